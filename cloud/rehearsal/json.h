/* json: jansson's values released by scope. Threads: any. Layer below: jansson. */
#ifndef CLOUD_REHEARSAL_JSON_H
#define CLOUD_REHEARSAL_JSON_H

#include "base/cleanup.h"

#include <jansson.h>

AUTO_DEFINE(json, json_t *, json_decref)

#endif
