/* catalogue: the station's part of each product, kept as long as its file has not changed.
 * A changed file is taken over at the next run, without a restart; a file that has become wrong is
 * an error at the next run. Threads: any. Layer above: recipe. Below: station/product. */
#ifndef STATION_CATALOGUE_H
#define STATION_CATALOGUE_H

#include "base/cleanup.h"
#include "station/product.h"

#define CATALOGUE_KEPT 8 /* parts: some are in use, the others are those of earlier orders */

struct catalogue;

MUST_CHECK bool catalogue_new(struct catalogue **ret_catalogue, struct err *e);
void catalogue_free(struct catalogue *catalogue);
AUTO_DEFINE(catalogue, struct catalogue *, catalogue_free)

/* The product of that name, a copy: its part for that driver, "" for the first. ERR_INVALID with a
 * sentence if it is missing or wrong. */
MUST_CHECK bool catalogue_get(struct catalogue *catalogue, const char *name, const char *driver,
			      struct station_product *ret_product, struct err *e);

#endif
