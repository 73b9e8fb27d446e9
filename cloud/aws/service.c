#include "cloud/aws/service.h"

#include "base/clock.h"
#include "base/wait.h"
#include "cloud/aws/failure.h"
#include "cloud/aws/iot.h"
#include "cloud/aws/retry.h"

struct service {
	const char *name;
	struct account *account;
	struct retry_bucket bucket;
	struct http *http;
};

bool service_open(const char *name, const char *endpoint, struct account *account,
		  unsigned calls_a_second, struct service **ret_service, struct err *e)
{
	AUTO(service) service = calloc(1, sizeof(*service));

	if (!service)
		return err_set(e, ERR_SYSTEM, "no memory to ask AWS");
	service->name = name;
	service->account = account;
	service->bucket.calls_a_second = calls_a_second;
	if (!http_open(name, endpoint, account, &service->http, e))
		return false;
	*ret_service = TAKE(service);
	return true;
}

void service_close(struct service *service)
{
	if (!service)
		return;
	http_close(service->http);
	free(service);
}

/* *ret_again: another try may help. */
static bool try_once(struct service *service, const char *operation,
		     const struct http_request *request, struct http_answer *answer,
		     bool *ret_again, struct err *e)
{
	const struct failure_call call = { service->name, operation, service->account };

	*answer = (struct http_answer) { .body = "" };
	*ret_again = false;
	if (!account_fresh(service->account, e) ||
	    !wait_pause(retry_take_ms(&service->bucket, clock_monotonic_ms()), -1, e))
		return false;
	if (!http_ask(service->http, request, answer, e)) {
		*ret_again = (e->code == ERR_GONE || e->code == ERR_TIMEOUT) &&
			     http_reached(service->http);
		return false;
	}
	return (answer->status >= 200 && answer->status < 300) ||
	       failure_say(&call, answer, ret_again, e);
}

bool service_call(struct service *service, const char *operation,
		  const struct http_request *request, struct http_answer *ret_answer, struct err *e)
{
	int64_t deadline = clock_deadline(SERVICE_CALL_MS);
	unsigned tries = 0;
	bool again;

	while (!try_once(service, operation, request, ret_answer, &again, e)) {
		tries++;
		if (!again)
			return err_add(e, "%s", operation);
		if (tries == IOT_TRIES || clock_monotonic_ms() > deadline)
			return err_add(e, "%s, tried %u times", operation, tries);
		if (!wait_pause(retry_pause_ms(tries, arc4random()), -1, e))
			return false;
	}
	return true;
}
