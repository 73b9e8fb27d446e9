/* place: where a station's folders are.
 *			IMPRINT_DIR=D	unset
 *	etc		D/etc		/etc/imprint
 *	run signer	D/run/signer	/run/imprint/signer	owned by the signer
 *	run station	D/run/station	/run/imprint/station	owned by the station
 *	lib signer	D/lib/signer	/var/lib/imprint/signer
 *	lib station	D/lib/station	/var/lib/imprint/station
 * Threads: any. Layer below: none. */
#ifndef BASE_PLACE_H
#define BASE_PLACE_H

#include "base/err.h"

#include <limits.h>

enum place {
	PLACE_ETC,
	PLACE_RUN_SIGNER,
	PLACE_RUN_STATION,
	PLACE_LIB_SIGNER,
	PLACE_LIB_STATION,
};

/* The path of `name` in a folder, or of the folder itself if name is NULL. */
MUST_CHECK bool place_path(enum place place, const char *name, char ret_path[static PATH_MAX],
			   struct err *e);

/* The folder as a descriptor (O_DIRECTORY, close-on-exec); with `make`, made with mode 0750 if
 * absent. ERR_REFUSED if its mode keeps this user out. */
MUST_CHECK bool place_open(enum place place, bool make, int *ret_fd, struct err *e);

/* Each product's file (etc/products/NAME.yaml), until one call is false; the order is the folder's.
 * No folder: no products. */
typedef bool place_product_fn(void *context, const char *path, struct err *e);
MUST_CHECK bool place_products(place_product_fn *each, void *context, struct err *e);

#endif
