/* Every driver against its virtual boards: what comes out, whatever is wrong with the board. */
#include "base/clock.h"
#include "serial/board.h"
#include "serial/fault.h"
#include "tests/rig/boards_vkey.h"
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

#define STEP_MS 60000
#define SOON_MS (STEP_MS / 2) /* nothing waits for the end of a step, however busy the machine is */
#define NO_ANSWER_MS 1500     /* for a board that gives none */
#define FILES 2
#define FS_BYTES_MAX 3600 /* to a board, if nothing is sent twice */
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static uint8_t der[900];
static char pem[] = "-----BEGIN CERTIFICATE-----\n"
		    "MIIBCjCBrwIBADAvMS0wKwYDVQQDDCQ1MDM2MzE1NC0zOTMxLTQ0ZjAtODAyMi0x\n"
		    "MjFiNjQwMTYyN2QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQqD6pNfa29o_EX\n"
		    "MDEyMzQ1Njc4OWFiY2RlZg==\n"
		    "-----END CERTIFICATE-----\n";

static const struct kind {
	const char *driver, *nest, *unit;
	struct board_settings settings;
	const char *targets[FILES], *slots[FILES];
	bool text; /* files are PEM */
} kinds[] = {
	{ "fs",
	  "A1",
	  "T-0001",
	  { .kind = BOARD_SETTINGS_FS,
	    .fs = { .csr = "/lfs1/csr.der", .unit = "/lfs1/unit", .reset = true } },
	  { "/lfs1/credentials/certificate.der", "/lfs1/credentials/issuer.der" },
	  { "certificate", "issuer" },
	  false },
	{ "nrf91",
	  "A2",
	  "352656100000002",
	  { .kind = BOARD_SETTINGS_NRF91, .nrf91 = { 42, BOARD_CR, BOARD_UNIT_IMEI } },
	  { "certificate", "ca" },
	  { "certificate", "root" },
	  true },
	{ "zshell",
	  "A3",
	  "4e52463931000003",
	  { .kind = BOARD_SETTINGS_ZSHELL, .zshell = { 42, BOARD_UNIT_HWINFO, "uart:~$ " } },
	  { "certificate", "ca" },
	  { "certificate", "root" },
	  true },
};

static struct board_file files[FILES] = { { .name = "certificate" }, { .name = "issuer" } };

static void start_rig(unsigned baud)
{
	static char settings[COUNT(kinds)][32];
	static const char *drivers[COUNT(kinds) + 1];
	const struct rig_options options = { .dir = rig.dir,
					     .count = COUNT(kinds),
					     .baud = baud,
					     .unit_prefix = "T-",
					     .drivers = drivers };

	for (size_t i = 0; i < COUNT(kinds); i++) {
		snprintf(settings[i], sizeof(settings[i]), "%s=%s", kinds[i].nest, kinds[i].driver);
		drivers[i] = settings[i];
	}
	rig_start(&options);
}

static int make_rig(void **state)
{
	(void)state;
	rig_folder();
	for (size_t i = 0; i < sizeof(der); i++)
		der[i] = (uint8_t)(i * 7 + 1);
	start_rig(0);
	return 0;
}

struct outcome {
	int code; /* 0: all went well */
	char text[ERR_TEXT_SIZE];
	struct board_identity identity;
	struct board_report report;
	uint8_t csr[BOARD_CSR_MAX];
	size_t csr_len;
	int64_t took_ms;
};

static bool install(struct board *board, bool read_back, struct err *e)
{
	for (size_t i = 0; i < FILES; i++)
		if (!board_write(board, &files[i], clock_deadline(STEP_MS), e))
			return false;
	for (size_t i = 0; i < FILES; i++)
		if (!board_verify(board, &files[i], read_back, clock_deadline(STEP_MS), e))
			return false;
	return true;
}

static void set_files(const struct kind *kind)
{
	for (size_t i = 0; i < FILES; i++) {
		files[i].content = kind->text ? bytes_text(pem) : BYTES(der);
		files[i].target = kind->targets[i];
		SHA256(files[i].content.data, files[i].content.len, files[i].sha256);
	}
}

static bool open_board(const struct kind *kind, struct board **ret_board, struct err *e)
{
	char address[128];
	const struct board_options options = { .driver = kind->driver,
					       .port = address,
					       .settings = &kind->settings,
					       .cancel_fd = -1 };

	snprintf(address, sizeof(address), "pty:%s/%s.pty", rig.dir, kind->nest);
	return board_open(&options, ret_board, e);
}

static bool provision(const struct kind *kind, int64_t identify_ms, bool read_back,
		      struct outcome *o, struct err *e)
{
	struct board_identity again;
	AUTO(board) board = NULL;

	set_files(kind);
	return open_board(kind, &board, e) &&
	       board_identify(board, &o->identity, clock_deadline(identify_ms), e) &&
	       board_csr(board, o->csr, &o->csr_len, clock_deadline(STEP_MS), e) &&
	       install(board, read_back, e) &&
	       board_identify(board, &again, clock_deadline(STEP_MS), e) &&
	       board_finish(board, clock_deadline(STEP_MS), e);
}

static void run_for(const struct kind *kind, int64_t identify_ms, bool read_back,
		    struct outcome *ret_outcome)
{
	int64_t began_ms = clock_monotonic_ms();
	struct err e = { 0 };

	memset(ret_outcome, 0, sizeof(*ret_outcome));
	if (!provision(kind, identify_ms, read_back, ret_outcome, &e)) {
		ret_outcome->code = e.code;
		memcpy(ret_outcome->text, e.text, sizeof(e.text));
	}
	ret_outcome->took_ms = clock_monotonic_ms() - began_ms;
}

static void run(const struct kind *kind, bool read_back, struct outcome *ret_outcome)
{
	run_for(kind, STEP_MS, read_back, ret_outcome);
}

static bool csr_verifies(const struct outcome *o)
{
	const uint8_t *at = o->csr;
	X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)o->csr_len);
	bool good = request && X509_REQ_verify(request, X509_REQ_get0_pubkey(request)) == 1;

	X509_REQ_free(request);
	return good;
}

static struct vflash *open_flash(const struct kind *kind)
{
	char path[128];
	struct vflash *flash;
	struct err e;

	snprintf(path, sizeof(path), "%s/%s.flash", rig.dir, kind->nest);
	assert_true(vflash_open(path, "", &flash, &e));
	return flash;
}

static void flash_holds(const struct kind *kind)
{
	struct vflash *flash = open_flash(kind);
	uint8_t content[2000];

	for (size_t i = 0; i < FILES; i++)
		for (size_t j = 0; j < VFLASH_SLOT_COUNT; j++) {
			if (strcmp(vflash_slots[j].name, kind->slots[i]) != 0)
				continue;
			assert_true(vflash_read(flash, vflash_slots[j].address + STORE_HEADER_SIZE,
						content, files[i].content.len));
			assert_memory_equal(content, files[i].content.data, files[i].content.len);
		}
	vflash_close(flash);
}

static void a_blank_board_is_provisioned(void **state)
{
	static struct outcome o;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++)
		for (int read_back = 0; read_back < 2; read_back++) {
			run(&kinds[i], read_back, &o);
			if (o.code)
				fail_msg("%s: %d %s", kinds[i].driver, o.code, o.text);
			assert_string_equal(o.identity.unit, kinds[i].unit);
			assert_true(csr_verifies(&o));
			flash_holds(&kinds[i]);
		}
}

static const struct {
	const char *fault, *only; /* a driver; NULL: all */
	int code;
	const char *text;
	int64_t identify_ms; /* 0: STEP_MS */
} faults[] = {
	{ "boot-log", NULL, 0, "", 0 },
	{ "slow:115200", NULL, 0, "", 0 },
	{ "mute", NULL, FAULT_SILENT, "asking who it is: no answer in ", NO_ANSWER_MS },
	{ "garbage", NULL, FAULT_GARBAGE, "but no valid answer", NO_ANSWER_MS },
	{ "endless-line", NULL, FAULT_GARBAGE, "but no valid answer", NO_ANSWER_MS },
	{ "unit-changed", NULL, FAULT_UNIT_CHANGED, "the board was ", 0 },
	{ "flash-weak", NULL, FAULT_FLASH, "the flash did not keep the certificate", 0 },
	{ "endless-list", "nrf91", FAULT_GARBAGE, "but no valid answer", 0 },
	{ "endless-list", "zshell", FAULT_GARBAGE, "asking who it is: ", NO_ANSWER_MS },
	{ "lying-length", "nrf91", FAULT_ANSWER, "no SHA-256 in its list", 0 },
	{ "lying-length", "zshell", FAULT_ANSWER, "Stored 18446744073709551615 bytes", 0 },
	{ "endless-map", "fs", FAULT_ANSWER, "its answer is not valid CBOR", 0 },
	{ "nested-maps", "fs", FAULT_ANSWER, "its answer is not valid CBOR", 0 },
	{ "lying-length", "fs", FAULT_UNIT_TEXT, "18446744073709551615 bytes", 0 },
	{ "bad-unit-text", "fs", FAULT_UNIT_TEXT, "its unit is not printable ASCII", 0 },
	{ "version-1", "fs", 0, "", 0 },
	{ "no-hash", "fs", 0, "", 0 },
	{ "lose:5", "fs", 0, "", 0 }, /* it goes on where the board says */
	{ "null-parameters", "nrf91", 0, "", 0 },
	{ "bad-csr", NULL, 0, "", 0 }, /* for the signer to see */
	{ "none", NULL, 0, "", 0 },
};

static void every_fault_has_its_code_in_time(void **state)
{
	static struct outcome o;

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++)
		for (size_t k = 0; k < COUNT(kinds); k++) {
			const struct kind *kind = &kinds[k];

			if (faults[i].only && strcmp(faults[i].only, kind->driver) != 0)
				continue;
			rig_tell("fault", kind->nest, faults[i].fault);
			run_for(kind, faults[i].identify_ms ? faults[i].identify_ms : STEP_MS,
				false, &o);
			if (o.code != faults[i].code || !strstr(o.text, faults[i].text))
				fail_msg("%s, %s: %d %s", kind->driver, faults[i].fault, o.code,
					 o.text);
			if (o.took_ms > SOON_MS)
				fail_msg("%s, %s: %lld ms", kind->driver, faults[i].fault,
					 (long long)o.took_ms);
			if (o.code && (!*fault_short(o.code) || !*fault_remedy(o.code)))
				fail_msg("%s: what to do?", faults[i].fault);
		}
}

/* The key in flash is the one that the CSR came from, and all lies under the right sec_tag. */
static void flash_holds_key(const struct kind *kind, const struct outcome *o)
{
	struct vflash *flash = open_flash(kind);
	uint8_t key[STORE_HEADER_SIZE + VKEY_LEN], tag[8], point[AGENT_POINT_SIZE];

	assert_true(vflash_read(flash, VFLASH_KEY, key, sizeof(key)));
	assert_memory_equal(key, "IMPK", 4);
	assert_true(vkey_point(bytes_of(key + STORE_HEADER_SIZE, VKEY_LEN), point));
	assert_non_null(memmem(o->csr, o->csr_len, point, sizeof(point)));
	assert_true(vflash_read(flash, VFLASH_STATE, tag, sizeof(tag)));
	assert_memory_equal(tag, "IMPT\0\0\0\x2a", sizeof(tag));
	vflash_close(flash);
}

struct flips {
	const char *fault;
	unsigned bits;		 /* of one run, about */
	unsigned passed, failed; /* a CSR that its signature betrays is neither */
};

/* On a board that holds what another run wrote. */
static void flip_one(const struct kind *kind, struct flips *flips, unsigned *seed)
{
	static struct outcome o;
	char fault[32];

	pem[30 + rand_r(seed) % 30] = (char)('A' + rand_r(seed) % 26);
	snprintf(fault, sizeof(fault), "%s:%u", flips->fault,
		 1 + (unsigned)rand_r(seed) % flips->bits);
	rig_tell("fault", kind->nest, fault);
	run(kind, rand_r(seed) % 2, &o);
	flips->failed += o.code != 0;
	if (o.code || !csr_verifies(&o))
		return;
	flips->passed++;
	flash_holds(kind);
	flash_holds_key(kind, &o);
}

/* Where the wire has no checksum a single bit may make another command of one: whatever it was,
 * what went well is right. */
static void one_flipped_bit_never_passes_with_a_wrong_flash(void **state)
{
	const unsigned count = getenv("IMPRINT_LONG") && *getenv("IMPRINT_LONG") ? 600 : 10;
	unsigned seed = 20261122;

	(void)state;
	for (size_t k = 1; k < COUNT(kinds); k++) {
		struct flips flips[] = { { "flip-in", 8 * 1700, 0, 0 },
					 { "flip-out", 8 * 1700, 0, 0 } };

		for (size_t i = 0; i < COUNT(flips); i++) {
			for (unsigned n = 0; n < count; n++)
				flip_one(&kinds[k], &flips[i], &seed);
			print_message("%s, %u times %s: %u went well, %u failed\n", kinds[k].driver,
				      count, flips[i].fault, flips[i].passed, flips[i].failed);
			assert_true(flips[i].passed > count / 2);
		}
		rig_tell("fault", kinds[k].nest, "none");
	}
}

static size_t bytes_received(const struct kind *kind)
{
	char *line;
	size_t count;

	rig_tell("list", "", "");
	line = strstr(rig.reply, kind->nest);
	assert_non_null(line);
	line = strstr(line, "received=");
	assert_int_equal(sscanf(line, "received=%zu", &count), 1);
	return count;
}

/* Two line buffers, emptied every 10 ms: with the driver's own distance between lines nothing is
 * sent twice. */
static void no_line_is_dropped(void **state)
{
	static struct outcome o;
	size_t before = bytes_received(&kinds[0]), least = 0;

	(void)state;
	for (int i = 0; i < 20 && (least == 0 || least > FS_BYTES_MAX); i++) {
		size_t count;

		run(&kinds[0], false, &o);
		assert_int_equal(o.code, 0);
		count = bytes_received(&kinds[0]) - before;
		before += count;
		least = least == 0 || count < least ? count : least;
	}
	/* A request in full is 4 lines; a machine that is busy costs one of them now and then. */
	print_message("fs: %zu bytes to the board\n", least);
	assert_in_range(least, 3000, FS_BYTES_MAX);
}

static void a_board_tells_an_engineer_what_it_is(void **state)
{
	static struct outcome o;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		AUTO(board) board = NULL;
		struct err e = { 0 };

		if (!open_board(&kinds[i], &board, &e) ||
		    !board_probe(board, &o.report, clock_deadline(STEP_MS), &e))
			fail_msg("%s: %s", kinds[i].driver, e.text);
		assert_string_equal(o.report.identity.unit, kinds[i].unit);
		assert_string_not_equal(o.report.state, "");
		print_message("%s: %s\n", kinds[i].driver, o.report.state);
	}
}

static unsigned long long bytes_moved(const struct kind *kind)
{
	unsigned long long received, sent;
	char *line;

	rig_tell("list", "", "");
	line = strstr(rig.reply, kind->nest);
	assert_non_null(line);
	line = strstr(line, "received=");
	assert_int_equal(sscanf(line, "received=%llu sent=%llu", &received, &sent), 2);
	return received + sent;
}

/* What the board counted on its wire against the time it took; a busy machine has ten tries, and room. */
static void the_wire_is_the_only_cost(void **state)
{
	static struct outcome o;

	(void)state;
	rig_stop();
	start_rig(115200);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		int64_t wire_ms = 0;

		for (int tries = 0; tries == 0 || (tries < 10 && o.took_ms > wire_ms * 2 + 100);
		     tries++) {
			unsigned long long before = bytes_moved(&kinds[i]);

			run(&kinds[i], false, &o);
			if (o.code)
				fail_msg("%s: %s", kinds[i].driver, o.text);
			wire_ms = (int64_t)((bytes_moved(&kinds[i]) - before) * 10 * 1000 / 115200);
		}
		print_message("%s: %lld ms on the wire; took %lld ms\n", kinds[i].driver,
			      (long long)wire_ms, (long long)o.took_ms);
		assert_in_range(o.took_ms, wire_ms * 9 / 10, wire_ms * 3 + 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_blank_board_is_provisioned),
		cmocka_unit_test(every_fault_has_its_code_in_time),
		cmocka_unit_test(one_flipped_bit_never_passes_with_a_wrong_flash),
		cmocka_unit_test(no_line_is_dropped),
		cmocka_unit_test(a_board_tells_an_engineer_what_it_is),
		cmocka_unit_test(the_wire_is_the_only_cost),
	};

	return cmocka_run_group_tests(tests, make_rig, rig_remove);
}
