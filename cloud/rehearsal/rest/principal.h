/* principal: an ARN that policies and things are attached to: here always a registered certificate.
 * AWS_INVALID_REQUEST: no ARN of a certificate of this account and region; AWS_NOT_FOUND: it is not
 * registered. Threads: the registry's. Layer above: the operations on policies and things. Below:
 * registry. */
#ifndef CLOUD_REHEARSAL_REST_PRINCIPAL_H
#define CLOUD_REHEARSAL_REST_PRINCIPAL_H

#include "cloud/rehearsal/rest/operation.h"

MUST_CHECK bool principal_check(struct call *c, const char *arn, struct err *e);

#endif
