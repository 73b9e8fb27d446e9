/* bench-raw-sign: signs through a PKCS#11 module and nothing else: what the token itself can do.
 * Prints one JSON object. See --help. */
#include "base/cleanup.h"
#include "base/hex.h"
#include "hsm/token/module.h"
#include "tests/bench/clock.h"
#include "tests/bench/pool.h"

#include <argp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define THREADS_MAX 16
#define SLOTS_MAX 64
#define LABEL_LEN 32
#define ID_MAX 64
#define PIN_MAX 64
#define SIGNATURE_MAX 600
#define INPUT_MAX 64

/* RFC 8017 9.2: DigestInfo of SHA-256, which CKM_RSA_PKCS wants in front of the hash. */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

struct arguments {
	const char *module, *token, *pin_file, *requests;
	uint8_t id[ID_MAX];
	size_t id_len, threads;
};

struct input {
	uint8_t data[INPUT_MAX];
	size_t len;
};

struct bench {
	const struct arguments *arguments;
	struct module module;
	CK_MECHANISM mechanism;
	CK_OBJECT_HANDLE key;
	struct input *inputs;
	size_t count;
};

struct worker {
	struct bench *bench;
	pthread_t thread;
	CK_SESSION_HANDLE session;
	size_t from, to; /* its share of the inputs */
	CK_RV answer;
};

static const struct argp_option options[] = {
	{ "module", 'm', "SO", 0, "The PKCS#11 module", 0 },
	{ "token", 't', "LABEL", 0, "The token's label", 0 },
	{ "pin-file", 'P', "FILE", 0, "Holds the PIN", 0 },
	{ "id", 'i', "HEX", 0, "CKA_ID of the key", 0 },
	{ "requests", 'r', "FILE", 0, "Sign a hash of each, as bench-requests made them", 0 },
	{ "threads", 'n', "N", 0, "Threads, each with its own session (default 1)", 0 },
	{ 0 },
};

static void parse_id(const char *text, struct arguments *a, struct argp_state *state)
{
	a->id_len = strlen(text) / 2;
	if (a->id_len == 0 || a->id_len > ID_MAX || strlen(text) % 2 ||
	    !hex_decode(text, a->id, a->id_len))
		argp_error(state, "\"%s\" is no key id", text);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case 'm':
		a->module = text;
		return 0;
	case 't':
		a->token = text;
		return 0;
	case 'P':
		a->pin_file = text;
		return 0;
	case 'i':
		parse_id(text, a, state);
		return 0;
	case 'r':
		a->requests = text;
		return 0;
	case 'n':
		if (!pool_number(text, THREADS_MAX, &a->threads))
			argp_error(state, "1 to %d threads", THREADS_MAX);
		return 0;
	case ARGP_KEY_END:
		if (!a->module || !a->token || !a->pin_file || !a->requests || !a->id_len)
			argp_error(state,
				   "--module, --token, --pin-file, --id and --requests are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Signs with C_Sign alone and prints how fast.",
};

static bool find_token(struct bench *b, CK_SLOT_ID *ret_slot, struct err *e)
{
	CK_UTF8CHAR wanted[LABEL_LEN];
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;
	CK_TOKEN_INFO info;
	CK_RV answer = b->module.call->C_GetSlotList(CK_TRUE, slots, &count);

	if (answer != CKR_OK)
		return module_error(answer, "list the tokens", e);
	memset(wanted, ' ', sizeof(wanted));
	memcpy(wanted, b->arguments->token, strnlen(b->arguments->token, LABEL_LEN));
	for (CK_ULONG i = 0; i < count; i++)
		if (b->module.call->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    memcmp(info.label, wanted, LABEL_LEN) == 0) {
			*ret_slot = slots[i];
			return true;
		}
	return err_set(e, ERR_NOT_FOUND, "there is no token %s", b->arguments->token);
}

static bool open_session(struct bench *b, CK_SLOT_ID slot, CK_SESSION_HANDLE *ret_session,
			 struct err *e)
{
	CK_RV answer =
		b->module.call->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, ret_session);

	return answer == CKR_OK || module_error(answer, "open a session", e);
}

static bool login(struct bench *b, CK_SESSION_HANDLE session, struct err *e)
{
	AUTO(FILE) file = fopen(b->arguments->pin_file, "re");
	char pin[PIN_MAX + 2];
	CK_RV answer;

	if (!file || !fgets(pin, sizeof(pin), file))
		return err_errno(e, ERR_SYSTEM, "cannot read %s", b->arguments->pin_file);
	pin[strcspn(pin, "\r\n")] = '\0';
	answer = b->module.call->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
	return answer == CKR_OK || module_error(answer, "log in", e);
}

static bool find_key(struct bench *b, CK_SESSION_HANDLE session, struct err *e)
{
	struct bytes id = bytes_of(b->arguments->id, b->arguments->id_len);
	CK_KEY_TYPE type;
	size_t count, len = sizeof(type);

	if (!module_find(&b->module, session, CKO_PRIVATE_KEY, id, &b->key, 1, &count, e))
		return false;
	if (count != 1 || !module_attribute(&b->module, session, b->key, CKA_KEY_TYPE, &type, &len))
		return err_set(e, ERR_NOT_FOUND, "the token holds no key of that id");
	b->mechanism.mechanism = type == CKK_RSA ? CKM_RSA_PKCS : CKM_ECDSA;
	return true;
}

static bool make_inputs(struct bench *b, struct err *e)
{
	size_t prefix = b->mechanism.mechanism == CKM_RSA_PKCS ? sizeof(digest_info) : 0;
	AUTO(pool) pool = NULL;

	if (!pool_read(b->arguments->requests, &pool, e))
		return false;
	b->inputs = calloc(pool->count, sizeof(*b->inputs));
	if (!b->inputs)
		return err_set(e, ERR_SYSTEM, "out of memory");
	b->count = pool->count;
	for (size_t i = 0; i < b->count; i++) {
		memcpy(b->inputs[i].data, digest_info, prefix);
		SHA256(pool->requests[i].data, pool->requests[i].len, b->inputs[i].data + prefix);
		b->inputs[i].len = prefix + SHA256_DIGEST_LENGTH;
	}
	return true;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct bench *b = worker->bench;
	uint8_t signature[SIGNATURE_MAX];

	for (size_t i = worker->from; i < worker->to && worker->answer == CKR_OK; i++) {
		CK_ULONG len = sizeof(signature);

		worker->answer = b->module.call->C_SignInit(worker->session, &b->mechanism, b->key);
		if (worker->answer == CKR_OK)
			worker->answer = b->module.call->C_Sign(worker->session, b->inputs[i].data,
								b->inputs[i].len, signature, &len);
	}
	return NULL;
}

static bool sign_all(struct bench *b, struct worker *workers, struct err *e)
{
	size_t started = 0;
	bool done = true;

	while (started < b->arguments->threads &&
	       !pthread_create(&workers[started].thread, NULL, work, &workers[started]))
		started++;
	for (size_t i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].answer != CKR_OK)
			done = module_error(workers[i].answer, "sign", e);
	}
	if (started < b->arguments->threads)
		return err_set(e, ERR_SYSTEM, "no thread to be had");
	return done;
}

static void print(const struct bench *b, int64_t wall_ns, int64_t cpu_ns)
{
	double count = (double)b->count;

	printf("{\"threads\":%zu,\"count\":%zu,\"per_second\":%.1f,\"cpu_us\":%.1f}\n",
	       b->arguments->threads, b->count, count * 1e9 / (double)wall_ns,
	       (double)cpu_ns / 1e3 / count);
}

static bool measure(struct bench *b, CK_SLOT_ID slot, struct err *e)
{
	struct worker workers[THREADS_MAX] = { 0 };
	size_t threads = b->arguments->threads;
	int64_t wall_ns, cpu_ns;

	for (size_t i = 0; i < threads; i++) {
		workers[i].bench = b;
		workers[i].from = b->count * i / threads;
		workers[i].to = b->count * (i + 1) / threads;
		if (!open_session(b, slot, &workers[i].session, e))
			return false;
	}
	wall_ns = bench_wall_ns();
	cpu_ns = bench_cpu_ns();
	if (!sign_all(b, workers, e))
		return false;
	print(b, bench_wall_ns() - wall_ns, bench_cpu_ns() - cpu_ns);
	return true;
}

static bool run(struct bench *b, struct err *e)
{
	CK_C_INITIALIZE_ARGS arguments = { .flags = CKF_OS_LOCKING_OK };
	CK_SESSION_HANDLE session;
	CK_SLOT_ID slot = 0;
	CK_RV answer;
	bool done;

	if (!module_load(b->arguments->module, &b->module, e))
		return false;
	answer = b->module.call->C_Initialize(&arguments);
	if (answer != CKR_OK)
		return module_error(answer, "start the module", e);
	done = find_token(b, &slot, e) && open_session(b, slot, &session, e) &&
	       login(b, session, e) && find_key(b, session, e) && make_inputs(b, e) &&
	       measure(b, slot, e);
	b->module.call->C_Finalize(NULL);
	module_unload(&b->module);
	free(b->inputs);
	return done;
}

int main(int argc, char **argv)
{
	struct arguments a = { .threads = 1 };
	struct bench b = { .arguments = &a };
	struct err e;

	argp_parse(&argp, argc, argv, 0, NULL, &a);
	if (run(&b, &e))
		return EXIT_SUCCESS;
	fprintf(stderr, "bench-raw-sign: %s\n", e.text);
	return EXIT_FAILURE;
}
