/* The station's side against virtual boards, each with one fault: what comes out, and in what time.
 */
#include "base/clock.h"
#include "base/wait.h"
#include "serial/board.h"
#include "serial/fault.h"
#include "tests/unit/rig_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>

#define BOARDS 64
#define STEP_MS 60000
#define SOON_MS (STEP_MS / 2) /* nothing waits for the end of a step, however busy the machine is */
#define NO_ANSWER_MS 1500     /* for a board that gives none */

static uint8_t certificate[900], bundle[2500];
static struct board_file files[] = {
	{ .name = "certificate", .target = "certificate", .content = BYTES(certificate) },
	{ .name = "bundle", .target = "bundle", .content = BYTES(bundle) },
};

#define FILE_COUNT (sizeof(files) / sizeof(files[0]))

static void start_rig(size_t count, unsigned baud)
{
	const struct rig_options options = {
		.dir = rig.dir, .count = count, .baud = baud, .unit_prefix = "T-"
	};

	rig_start(&options);
}

static int make_rig(void **state)
{
	(void)state;
	rig_folder();
	for (size_t i = 0; i < sizeof(certificate); i++)
		certificate[i] = (uint8_t)(i * 7 + 1);
	for (size_t i = 0; i < sizeof(bundle); i++)
		bundle[i] = (uint8_t)(i * 13 + 5);
	for (size_t i = 0; i < FILE_COUNT; i++)
		SHA256(files[i].content.data, files[i].content.len, files[i].sha256);
	start_rig(BOARDS, 0);
	return 0;
}

static void address_of(const char *nest, char ret_address[128])
{
	snprintf(ret_address, 128, "pty:%s/%s.pty", rig.dir, nest);
}

struct outcome {
	int code; /* 0: all went well */
	char text[ERR_TEXT_SIZE];
	struct board_identity identity;
	uint8_t csr[BOARD_CSR_MAX];
	size_t csr_len;
	struct board_challenge challenge;
	struct board_proof proof;
	int64_t took_ms, identify_ms;
	size_t told; /* bytes, by progress */
	int cancel_fd;
};

static void count_progress(void *context, size_t done, size_t total)
{
	struct outcome *o = context;

	o->told += done == total ? total : 0;
}

static bool install(struct board *board, struct outcome *o, struct err *e)
{
	for (size_t i = 0; i < FILE_COUNT; i++)
		if (!board_write(board, &files[i], clock_deadline(STEP_MS), e))
			return false;
	for (size_t i = 0; i < FILE_COUNT; i++)
		if (!board_verify(board, &files[i], i == 0, clock_deadline(STEP_MS), e))
			return false;
	o->challenge.files = files;
	o->challenge.file_count = FILE_COUNT;
	memset(o->challenge.nonce, 0x5a, sizeof(o->challenge.nonce));
	return board_prove(board, &o->challenge, &o->proof, clock_deadline(STEP_MS), e) &&
	       board_finish(board, clock_deadline(STEP_MS), e);
}

static bool provision(const char *nest, struct outcome *o, struct err *e)
{
	char address[128];
	struct board_options options = { .driver = "prov",
					 .port = address,
					 .cancel_fd = o->cancel_fd,
					 .progress = count_progress,
					 .context = o };
	struct board_identity again;
	AUTO(board) board = NULL;

	address_of(nest, address);
	return board_open(&options, &board, e) &&
	       board_identify(board, &o->identity, clock_deadline(o->identify_ms), e) &&
	       board_csr(board, o->csr, &o->csr_len, clock_deadline(STEP_MS), e) &&
	       install(board, o, e) && board_identify(board, &again, clock_deadline(STEP_MS), e) &&
	       board_can_prove(board);
}

static void run_for(const char *nest, int64_t identify_ms, struct outcome *ret_outcome)
{
	int64_t began_ms = clock_monotonic_ms();
	struct err e = { 0 };

	*ret_outcome = (struct outcome) { .identify_ms = identify_ms, .cancel_fd = -1 };
	if (!provision(nest, ret_outcome, &e)) {
		ret_outcome->code = e.code;
		memcpy(ret_outcome->text, e.text, sizeof(e.text));
	}
	ret_outcome->took_ms = clock_monotonic_ms() - began_ms;
}

static void run(const char *nest, struct outcome *ret_outcome)
{
	run_for(nest, STEP_MS, ret_outcome);
}

static bool proof_verifies(const struct outcome *o)
{
	uint8_t message[17 + 32 + 32 + BOARD_TEXT_MAX + FILE_COUNT * 32] = "imprint-prove-v1";
	size_t len = 17, unit_len = strlen(o->proof.unit);
	const uint8_t *at = o->csr;
	X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)o->csr_len);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good;

	assert_non_null(request);
	memcpy(message + len, o->challenge.nonce, 32);
	memcpy(message + len + 32, o->challenge.certificate_id, 32);
	memcpy(message + len + 64, o->proof.unit, unit_len);
	len += 64 + unit_len;
	for (size_t i = 0; i < FILE_COUNT; i++, len += 32)
		memcpy(message + len, files[i].sha256, 32);
	good = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL,
				    X509_REQ_get0_pubkey(request)) == 1 &&
	       EVP_DigestVerify(context, o->proof.signature, o->proof.signature_len, message,
				len) == 1;
	EVP_MD_CTX_free(context);
	X509_REQ_free(request);
	return good;
}

static bool csr_verifies(const struct outcome *o)
{
	const uint8_t *at = o->csr;
	X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)o->csr_len);
	bool good = request && X509_REQ_verify(request, X509_REQ_get0_pubkey(request)) == 1;

	X509_REQ_free(request);
	return good;
}

static void flash_holds(const char *nest, const struct board_file *file)
{
	char path[128];
	struct vflash *flash;
	struct err e;
	uint8_t content[sizeof(bundle)];

	snprintf(path, sizeof(path), "%s/%s.flash", rig.dir, nest);
	assert_true(vflash_open(path, "", &flash, &e));
	for (size_t i = 0; i < VFLASH_SLOT_COUNT; i++)
		if (strcmp(vflash_slots[i].name, file->target) == 0)
			assert_true(vflash_read(flash, vflash_slots[i].address + STORE_HEADER_SIZE,
						content, file->content.len));
	assert_memory_equal(content, file->content.data, file->content.len);
	vflash_close(flash);
}

static void a_blank_board_is_provisioned(void **state)
{
	static struct outcome o;

	(void)state;
	run("A1", &o);
	assert_string_equal(o.text, "");
	assert_string_equal(o.identity.unit, "T-0001");
	assert_string_equal(o.proof.unit, "T-0001");
	assert_true(csr_verifies(&o));
	assert_true(proof_verifies(&o));
	for (size_t i = 0; i < FILE_COUNT; i++)
		flash_holds("A1", &files[i]);
	assert_int_equal(o.told, o.csr_len + sizeof(certificate) * 2 + sizeof(bundle));
}

static const struct {
	const char *fault;
	int code; /* 0: all goes well as far as the station sees */
	const char *text;
} faults[] = {
	{ "none", 0, "" },
	{ "boot-log", 0, "" },
	{ "slow:115200", 0, "" },
	{ "noise:4000", 0, "" },
	{ "mute", FAULT_SILENT, "asking who it is: no answer in " },
	{ "garbage", FAULT_GARBAGE, "but no valid answer" },
	{ "endless-line", FAULT_GARBAGE, "but no valid answer" },
	{ "endless-map", FAULT_ANSWER, "its answer is not valid CBOR" },
	{ "nested-maps", FAULT_ANSWER, "its answer is not valid CBOR" },
	{ "lying-length", FAULT_CSR_SIZE, "it has 18446744073709551615 bytes" },
	{ "reset", FAULT_RESTARTED, "writing the certificate: the board restarted in the middle" },
	{ "reset-always", FAULT_RESTARTED, "writing the certificate: the board restarted" },
	{ "bad-unit-text", FAULT_UNIT_TEXT, "its unit is not printable ASCII" },
	{ "unit-changed", FAULT_UNIT_CHANGED, "the board was T-" },
	{ "swap", FAULT_UNIT_CHANGED, "the board was T-" },
	{ "flash-weak", FAULT_FLASH, "the flash did not keep the certificate (byte 128 differs)" },
	{ "wrong-unit", 0, "" }, /* for the signer to see */
	{ "bad-csr", 0, "" },
	{ "bad-proof", 0, "" },
	{ "same-key:A1", 0, "" },
};

static void every_fault_has_its_code_in_time(void **state)
{
	static struct outcome o;

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		bool answers = faults[i].code != FAULT_SILENT && faults[i].code != FAULT_GARBAGE;

		rig_tell("fault", "B1", faults[i].fault);
		run_for("B1", answers ? STEP_MS : NO_ANSWER_MS, &o);
		if (o.code != faults[i].code || !strstr(o.text, faults[i].text))
			fail_msg("%s: %d %s", faults[i].fault, o.code, o.text);
		if (o.took_ms > SOON_MS)
			fail_msg("%s: %lld ms", faults[i].fault, (long long)o.took_ms);
		if (o.code && (!*fault_short(o.code) || !*fault_remedy(o.code)))
			fail_msg("%s: what to do?", faults[i].fault);
		assert_int_equal(o.code == 0 && csr_verifies(&o),
				 o.code == 0 && strcmp(faults[i].fault, "bad-csr") != 0);
		assert_int_equal(o.code == 0 && proof_verifies(&o),
				 o.code == 0 && strcmp(faults[i].fault, "bad-proof") != 0);
	}
}

static void two_boards_with_one_key(void **state)
{
	static struct outcome first, second;
	X509_REQ *a, *b;
	const uint8_t *at;

	(void)state;
	run("A1", &first);
	rig_tell("fault", "B2", "same-key:A1");
	run("B2", &second);
	at = first.csr;
	a = d2i_X509_REQ(NULL, &at, (long)first.csr_len);
	at = second.csr;
	b = d2i_X509_REQ(NULL, &at, (long)second.csr_len);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(a), X509_REQ_get0_pubkey(b)), 1);
	assert_string_not_equal(first.identity.unit, second.identity.unit);
	X509_REQ_free(a);
	X509_REQ_free(b);
}

static void a_nest_is_empty_or_not(void **state)
{
	static struct outcome o;
	char address[128], unit[BOARD_TEXT_MAX + 1];

	(void)state;
	address_of("B3", address);
	assert_true(board_line_present(address));
	run("B3", &o);
	strcpy(unit, o.identity.unit);
	rig_tell("remove", "B3", "");
	assert_false(board_line_present(address));
	run("B3", &o);
	assert_int_equal(o.code, FAULT_LINE_GONE);
	rig_tell("insert", "B3", "");
	assert_true(board_line_present(address));
	run("B3", &o);
	assert_int_equal(o.code, 0);
	assert_string_not_equal(o.identity.unit, unit);
	rig_tell("remove", "B3", "");
	rig_tell("insert", "B3", unit);
	run("B3", &o);
	assert_string_equal(o.identity.unit, unit);
}

static void *run_a2(void *context)
{
	struct outcome *o = context;
	struct err e = { 0 };

	if (!provision("A2", o, &e))
		o->code = e.code;
	return NULL;
}

static void a_board_that_is_taken_out_is_seen(void **state)
{
	static struct outcome o;
	struct err e;
	pthread_t thread;

	(void)state;
	o.identify_ms = STEP_MS;
	o.cancel_fd = -1;
	rig_tell("fault", "A2", "mute");
	assert_int_equal(pthread_create(&thread, NULL, run_a2, &o), 0);
	assert_true(wait_pause(100, -1, &e));
	rig_tell("remove", "A2", "");
	pthread_join(thread, NULL);
	assert_int_equal(o.code, FAULT_LINE_GONE);
	rig_tell("fault", "A2", "none");
	rig_tell("insert", "A2", "");
}

static void a_cancel_is_obeyed_at_once(void **state)
{
	static struct outcome o;
	int64_t began_ms = clock_monotonic_ms();
	struct err e;
	pthread_t thread;

	(void)state;
	o.identify_ms = STEP_MS;
	o.cancel_fd = eventfd(0, EFD_CLOEXEC);
	rig_tell("fault", "A2", "mute");
	assert_int_equal(pthread_create(&thread, NULL, run_a2, &o), 0);
	assert_true(wait_pause(100, -1, &e));
	assert_int_equal(eventfd_write(o.cancel_fd, 1), 0);
	pthread_join(thread, NULL);
	assert_int_equal(o.code, ERR_CANCELLED);
	assert_in_range(clock_monotonic_ms() - began_ms, 100, SOON_MS);
	rig_tell("fault", "A2", "none");
	close(o.cancel_fd);
}

struct job {
	char nest[8];
	pthread_t thread;
	struct outcome outcome;
};

static void *run_job(void *context)
{
	struct job *job = context;

	run(job->nest, &job->outcome);
	return NULL;
}

/* Provisions all boards together; the longest run in ms. */
static int64_t run_all(struct job *jobs, size_t count)
{
	int64_t longest_ms = 0;

	for (size_t i = 0; i < count; i++) {
		snprintf(jobs[i].nest, sizeof(jobs[i].nest), "%c%zu", (char)('A' + i / 8),
			 i % 8 + 1);
		assert_int_equal(pthread_create(&jobs[i].thread, NULL, run_job, &jobs[i]), 0);
	}
	for (size_t i = 0; i < count; i++) {
		pthread_join(jobs[i].thread, NULL);
		if (jobs[i].outcome.code)
			fail_msg("%s: %s", jobs[i].nest, jobs[i].outcome.text);
		if (jobs[i].outcome.took_ms > longest_ms)
			longest_ms = jobs[i].outcome.took_ms;
	}
	return longest_ms;
}

static void a_whole_panel_at_once(void **state)
{
	static struct job jobs[BOARDS];
	unsigned long long received, sent;
	int64_t longest_ms, wire_ms;
	char *line;

	(void)state;
	rig_stop();
	start_rig(BOARDS, 115200);
	longest_ms = run_all(jobs, BOARDS);
	rig_tell("list", "", "");
	line = strstr(rig.reply, "received=");
	assert_non_null(line);
	assert_int_equal(sscanf(line, "received=%llu sent=%llu", &received, &sent), 2);
	wire_ms = (int64_t)((received + sent) * 10 * 1000 / 115200);
	print_message("%d boards: %lld ms, of which one board's bytes %lld ms\n", BOARDS,
		      (long long)longest_ms, (long long)wire_ms);
	/* One behind the other, the last would wait for all the others' bytes. */
	assert_in_range(longest_ms, wire_ms * 9 / 10, wire_ms * BOARDS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blank_board_is_provisioned),
		cmocka_unit_test(every_fault_has_its_code_in_time),
		cmocka_unit_test(two_boards_with_one_key),
		cmocka_unit_test(a_nest_is_empty_or_not),
		cmocka_unit_test(a_board_that_is_taken_out_is_seen),
		cmocka_unit_test(a_cancel_is_obeyed_at_once),
		cmocka_unit_test(a_whole_panel_at_once),
	};

	return cmocka_run_group_tests(tests, make_rig, rig_remove);
}
