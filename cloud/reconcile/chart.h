/* chart: the numbers of a reconciliation as SVG inside the page: the certificates by class as one
 * bar whose labels never overlap, and the unseen ones by age. Colours are classes of the page's
 * style (c-active …, c-old), never the only sign. Threads: any. Layer above: page. Below:
 * html. */
#ifndef CLOUD_RECONCILE_CHART_H
#define CLOUD_RECONCILE_CHART_H

#include "cloud/reconcile/reconcile.h"

#include <stdio.h>

void chart_classes(FILE *to, const struct reconcile_summary *s);
void chart_ages(FILE *to, const struct reconcile_summary *s);
/* The small square that stands beside a class in the table. */
void chart_swatch(FILE *to, enum reconcile_class class);

#endif
