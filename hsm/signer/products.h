/* products: the product files in use, loaded once and again when a file changed, without a restart.
 * A job holds its product until it is done, so a change never reaches work under way.
 * Threads: the loop gets and releases; workers read what a job holds. Layer above: signer. Below:
 * product. */
#ifndef HSM_SIGNER_PRODUCTS_H
#define HSM_SIGNER_PRODUCTS_H

#include "hsm/product/product.h"

struct products;
struct product_ref {
	const struct product *product;
};

MUST_CHECK bool products_new(struct products **ret_products, struct err *e);
void products_free(struct products *p);
AUTO_DEFINE(products, struct products *, products_free)

/* etc/products/NAME.yaml as it is now. REFUSAL_PRODUCT with file, line and column if it is missing
 * or wrong. */
MUST_CHECK bool products_get(struct products *p, const char *name, struct product_ref **ret_ref,
			     struct err *e);
void products_release(struct product_ref *ref);

#endif
