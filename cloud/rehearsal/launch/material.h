/* material: the root that the rehearsal's clients trust, and the certificate of its MQTT server for
 * localhost and 127.0.0.1. The root's key is dropped once it has signed. What is there and still good
 * stays. Errors: ERR_SYSTEM. Threads: one. Layer above: service. Below: libcrypto. */
#ifndef CLOUD_REHEARSAL_LAUNCH_MATERIAL_H
#define CLOUD_REHEARSAL_LAUNCH_MATERIAL_H

#include "base/err.h"

/* FILE_ROOT, FILE_SERVER and FILE_SERVER_KEY, in the working directory. */
MUST_CHECK bool material_make(struct err *e);

#endif
