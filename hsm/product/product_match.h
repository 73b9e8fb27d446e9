/* product_match: do the two parts of a product file belong together? Each daemon reads its own part
 * alone; this is for `imprint product check`: every file that the signer makes has a place on the
 * board, every place has a file, and both mean the same source of the unit id. Threads: any. Layer
 * above: `imprint product check`. Below: base/config_tree, product. */
#ifndef HSM_PRODUCT_MATCH_H
#define HSM_PRODUCT_MATCH_H

#include "base/config.h"
#include "hsm/product/product.h"

/* True if they match, or if the file has no `board:` part (then *ret_board is false). Every mistake
 * is reported, the first stays in e. */
MUST_CHECK bool product_match(const char *path, const struct product *product,
			      config_report_fn *report, void *context, bool *ret_board,
			      struct err *e);

#endif
