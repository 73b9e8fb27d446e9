/* service: the operations of one service of AWS, each asked until it is done or hopeless.
 *	a call waits for the bucket (retry.h); throttling, 5xx and a connection that was lost are
 *	tried again after a pause, IOT_TRIES times in all and not after SERVICE_CALL_MS. What never
 *	was reached is not tried again: a wrong name or no network would not get better
 * Every operation here may be asked twice: a registration whose answer was lost comes back as
 * IOT_EXISTS. Errors as in iot.h, with the operation in front. Credentials whose known expiry has
 * come are renewed or refused before the call (account.h). Threads: one a service. Layer above: iot,
 * s3. Below: http. */
#ifndef CLOUD_AWS_SERVICE_H
#define CLOUD_AWS_SERVICE_H

#include "cloud/aws/http.h"

#define SERVICE_CALL_MS 120000

struct service;

/* `name` is "iot" or "s3"; it and the account must outlive the service. */
MUST_CHECK bool service_open(const char *name, const char *endpoint, struct account *account,
			     unsigned calls_a_second, struct service **ret_service, struct err *e);
void service_close(struct service *service);
AUTO_DEFINE(service, struct service *, service_close)

/* True: an answer of 2xx. *ret_answer is the last answer of any status (its body until the next
 * call), or empty if there was none. */
MUST_CHECK bool service_call(struct service *service, const char *operation,
			     const struct http_request *request, struct http_answer *ret_answer,
			     struct err *e);

#endif
