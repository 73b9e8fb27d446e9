/* schemas: the tables behind station.yaml and a product's station part, for whoever reads such a
 * file with base/config alone: the fuzz target. Threads: any. Below: base/config. */
#ifndef STATION_SCHEMAS_H
#define STATION_SCHEMAS_H

#include <cyaml/cyaml.h>

extern const cyaml_schema_value_t station_settings_schema;
extern const cyaml_schema_value_t station_product_schema;

#endif
