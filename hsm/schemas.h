/* schemas: the tables behind signer.yaml and a product's signer's part, for whoever reads such a
 * file with base/config alone: the fuzz target. Threads: any. Below: base/config. */
#ifndef HSM_SCHEMAS_H
#define HSM_SCHEMAS_H

#include <cyaml/cyaml.h>

extern const cyaml_schema_value_t settings_schema;
extern const cyaml_schema_value_t product_schema;

#endif
