/* schema: the registry's tables, made if they are not there. `number` is the order of creation.
 * Private to this folder. Layer above: registry. Below: none. */
#ifndef CLOUD_REHEARSAL_SCHEMA_H
#define CLOUD_REHEARSAL_SCHEMA_H

extern const char schema_rehearsal[];

#endif
