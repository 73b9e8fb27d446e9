/* endpoint: where devices connect to, and whether those of a product will trust it. */
#include "cloud/command/command.h"

#include "base/program.h"
#include "cloud/command/trust.h"

#define PRODUCT_PROGRAM "imprint-product"
#define MQTT_PORT "8883"
#define ROOTS_SIZE 65536

/* That program says itself what it has to complain of. */
static bool read_root(const char *product, char *ret_roots, bool *ret_named, struct err *e)
{
	const char *const words[] = { "imprint product root", "root", "--", product, NULL };
	int status;

	if (!program_read(PRODUCT_PROGRAM, words, ret_roots, ROOTS_SIZE, &status, e))
		return false;
	*ret_named = status == 0;
	return true;
}

static const char *port_of(const struct arguments *a)
{
	return a->port ? a->port : MQTT_PORT;
}

/* trust NULL: nobody was asked. */
static int answer_json(const struct arguments *a, const char *host, const struct trust *trust)
{
	AUTO(json) object = json_pack("{ss}", "endpoint", host);

	if (trust)
		json_object_update_new(object,
				       json_pack("{ss ss ss sb ss}", "port", port_of(a), "product",
						 a->product, "server_root", trust->root, "trusted",
						 trust->trusted, "reason", trust->why_not));
	return cloud_print(object) == CLOUD_DONE && (!trust || trust->trusted) ? CLOUD_DONE
									       : CLOUD_FAILED;
}

static int answer(const struct arguments *a, const char *host, struct trust *trust)
{
	if (a->json)
		return answer_json(a, host, trust);
	if (!trust)
		return puts(host) < 0 ? CLOUD_FAILED : CLOUD_DONE;
	cloud_clean(trust->root);
	if (trust->trusted) {
		printf("%s\nA board of %s trusts %s:%s: it holds the root \"%s\".\n", host,
		       a->product, host, port_of(a), trust->root);
		return CLOUD_DONE;
	}
	printf("%s\nA board of %s does NOT trust %s:%s, so it will not connect: it holds the root "
	       "\"%s\", and with that: %s.\n",
	       host, a->product, host, port_of(a), trust->root, trust->why_not);
	return CLOUD_FAILED;
}

static bool check_port(const struct arguments *a, struct err *e)
{
	size_t digits = strspn(port_of(a), "0123456789");

	if (a->port && !a->product)
		return err_set(e, ERR_USAGE, "--port goes with --product NAME");
	return (digits && !port_of(a)[digits] && digits <= 5 && atoi(port_of(a)) <= 65535) ||
	       err_set(e, ERR_USAGE, "a port is a number up to 65535");
}

int endpoint_command(const struct arguments *a)
{
	AUTO_FREE char *roots = malloc(ROOTS_SIZE);
	char host[IOT_HOST_SIZE];
	AUTO(iot) iot = NULL;
	struct trust trust;
	bool named = false;
	struct err e;

	if (!roots) {
		err_set(&e, ERR_SYSTEM, "no memory");
		return cloud_failed(&e);
	}
	if (!check_port(a, &e) || (a->product && !read_root(a->product, roots, &named, &e)))
		return cloud_failed(&e);
	if (!iot_open(&a->account, &iot, &e) || !iot_endpoint(iot, host, &e))
		return cloud_failed(&e);
	if (!named) {
		answer(a, host, NULL);
		return a->product ? CLOUD_FAILED : CLOUD_DONE;
	}
	if (trust_ask(host, port_of(a), roots, &trust, &e))
		return answer(a, host, &trust);
	answer(a, host, NULL);
	return cloud_failed(&e);
}
