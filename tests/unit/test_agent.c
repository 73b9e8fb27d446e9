/* The board's own side, on a flash file and real cryptography: what it keeps, what it refuses. */
#include "tests/rig/boards_vboard.h"

#include "base/cbor.h"
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <sys/stat.h>

#define MESSAGE_SIZE 2048
#define WIRE_SIZE 8192
#define VERSION_1 0
#define VERSION_2 8

static struct {
	char dir[64], path[96];
	struct trouble trouble;
	bool trouble_done;
	struct vboard *board;
	uint8_t wire[WIRE_SIZE];
	size_t wire_len;
	uint8_t request[MESSAGE_SIZE], answer[MESSAGE_SIZE];
} rig;

static void take_line(void *context, const uint8_t *data, size_t len)
{
	(void)context;
	assert_true(rig.wire_len + len <= sizeof(rig.wire));
	memcpy(rig.wire + rig.wire_len, data, len);
	rig.wire_len += len;
}

static void power_on(void)
{
	static const struct vboard_surroundings around = { NULL, take_line, NULL };
	struct err e;

	if (!vboard_open(rig.path, "T-0001", &around, &rig.trouble, &rig.trouble_done, &rig.board,
			 &e))
		fail_msg("%s", e.text);
}

static void power_cut(void)
{
	vboard_close(rig.board);
	power_on();
}

static int make_board(void **state)
{
	(void)state;
	strcpy(rig.dir, "/tmp/test_agent.XXXXXX");
	assert_non_null(mkdtemp(rig.dir));
	snprintf(rig.path, sizeof(rig.path), "%s/flash", rig.dir);
	memset(&rig.trouble, 0, sizeof(rig.trouble));
	rig.trouble_done = false;
	power_on();
	return 0;
}

static int drop_board(void **state)
{
	(void)state;
	vboard_close(rig.board);
	unlink(rig.path);
	return rmdir(rig.dir);
}

/* Sends a message; the answer's map, or false if there is no answer. */
static bool exchange(struct bytes message, struct bytes *ret_answer)
{
	struct frame_encoder f = frame_encoder_start(message);
	struct frame_decoder d = frame_decoder_start(rig.answer, sizeof(rig.answer));
	uint8_t line[FRAME_LINE_MAX];
	size_t len;

	rig.wire_len = 0;
	while ((len = frame_encode_line(&f, line)) > 0)
		vboard_receive(rig.board, bytes_of(line, len));
	for (size_t i = 0; i < rig.wire_len; i++)
		if (frame_decode(&d, rig.wire[i], ret_answer))
			return true;
	return false;
}

static struct cbor_writer start(uint8_t version_op, uint16_t group, uint8_t command)
{
	static uint8_t sequence;
	const uint8_t header[SMP_HEADER_SIZE] = {
		version_op, 0, 0, 0, (uint8_t)(group >> 8), (uint8_t)group, ++sequence, command
	};
	struct cbor_writer w = { .data = rig.request + SMP_HEADER_SIZE,
				 .size = sizeof(rig.request) - SMP_HEADER_SIZE };

	memcpy(rig.request, header, sizeof(header));
	return w;
}

static struct cbor_reader finish(const struct cbor_writer *w)
{
	struct bytes answer;
	struct cbor_reader r;

	rig.request[2] = (uint8_t)(w->len >> 8);
	rig.request[3] = (uint8_t)w->len;
	if (!exchange(bytes_of(rig.request, SMP_HEADER_SIZE + w->len), &answer))
		fail_msg("no answer");
	assert_int_equal(answer.data[0], rig.request[0] + 1);
	assert_memory_equal(answer.data + 4, rig.request + 4, 4);
	r = cbor_reader_start(
		bytes_of(answer.data + SMP_HEADER_SIZE, answer.len - SMP_HEADER_SIZE));
	cbor_want(&r, CBOR_MAP);
	return r;
}

/* The error that the answer holds; 0 if none. */
static uint64_t rc_of(const struct cbor_reader *map)
{
	bool found;
	struct cbor_reader r = cbor_find(map, "err", &found);

	if (found)
		cbor_want(&r, CBOR_MAP);
	else
		r = *map;
	r = cbor_find(&r, "rc", &found);
	return found ? cbor_want_unsigned(&r) : SMP_OK;
}

static struct bytes bytes_in(const struct cbor_reader *map, const char *key)
{
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);

	assert_true(found);
	return cbor_want_string(&r, CBOR_BYTES, MESSAGE_SIZE);
}

static uint64_t number_in(const struct cbor_reader *map, const char *key)
{
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);

	assert_true(found);
	return cbor_want_unsigned(&r);
}

static struct cbor_reader ask_csr(uint64_t offset)
{
	struct cbor_writer w = start(VERSION_2 | SMP_WRITE, PROV_GROUP, PROV_CSR);

	cbor_put_map(&w, 1);
	cbor_put_key(&w, "off");
	cbor_put_unsigned(&w, offset);
	return finish(&w);
}

static X509_REQ *parse_csr(const struct cbor_reader *map)
{
	struct bytes der = bytes_in(map, "data");
	const uint8_t *at = der.data;
	X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der.len);

	assert_int_equal(number_in(map, "len"), der.len);
	assert_ptr_equal(at, der.data + der.len);
	assert_non_null(request);
	return request;
}

static uint64_t put_piece(const char *file, uint64_t offset, uint64_t len, struct bytes data,
			  uint64_t *ret_next)
{
	struct cbor_writer w = start(VERSION_2 | SMP_WRITE, PROV_GROUP, PROV_WRITE);
	struct cbor_reader map;
	uint64_t rc;

	cbor_put_map(&w, 4);
	cbor_put_key(&w, "file");
	cbor_put_key(&w, file);
	cbor_put_key(&w, "off");
	cbor_put_unsigned(&w, offset);
	cbor_put_key(&w, "len");
	cbor_put_unsigned(&w, len);
	cbor_put_key(&w, "data");
	cbor_put_bytes(&w, data);
	map = finish(&w);
	rc = rc_of(&map);
	if (rc == SMP_OK)
		*ret_next = number_in(&map, "off");
	return rc;
}

static struct cbor_reader ask_file(enum prov_command command, const char *file, uint64_t offset)
{
	struct cbor_writer w = start(VERSION_2 | SMP_READ, PROV_GROUP, (uint8_t)command);

	cbor_put_map(&w, 2);
	cbor_put_key(&w, "file");
	cbor_put_key(&w, file);
	cbor_put_key(&w, "off");
	cbor_put_unsigned(&w, offset);
	return finish(&w);
}

static void the_csr_verifies(void **state)
{
	struct cbor_reader map = ask_csr(0);
	X509_REQ *request = parse_csr(&map);
	char name[128];

	(void)state;
	assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
	X509_NAME_oneline(X509_REQ_get_subject_name(request), name, sizeof(name));
	assert_string_equal(name, "/CN=T-0001");
	assert_int_equal(X509_REQ_get_version(request), 0);
	X509_REQ_free(request);
}

static void numbers_are_as_short_as_they_can_be(void **state)
{
	static const struct {
		const char *r, *s; /* their first bytes; FF follow */
		const char *der;   /* its first bytes */
		size_t len;
	} cases[] = {
		{ "7f", "7f", "304402207fff", 70 },
		{ "80", "7f", "3045022100 80ff", 71 },
		{ "80", "80", "3046022100 80ff", 72 },
		{ "00", "7f", "304402 20 00ff", 70 },	  /* 00 ff: the zero is needed */
		{ "007f", "7f", "304302 1f 7fff", 69 },	  /* and here it is not */
		{ "00007f", "7f", "304202 1e 7fff", 68 }, /* nor these */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t raw[AGENT_SIGNATURE_RAW], der[REQUEST_SIGNATURE_MAX], wanted[16];
		char digits[33] = "";

		for (const char *c = cases[i].der; *c; c++)
			if (*c != ' ')
				strncat(digits, c, 1);
		memset(raw, 0xff, sizeof(raw));
		assert_true(hex_decode(cases[i].r, raw, strlen(cases[i].r) / 2));
		assert_true(hex_decode(cases[i].s, raw + 32, strlen(cases[i].s) / 2));
		assert_true(hex_decode(digits, wanted, strlen(digits) / 2));
		if (request_signature(raw, der) != cases[i].len ||
		    memcmp(der, wanted, strlen(digits) / 2) != 0)
			fail_msg("case %zu", i);
	}
}

static void every_csr_is_good_der(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		struct cbor_reader map;
		X509_REQ *request;
		struct bytes der;
		uint8_t *again = NULL;

		rig.board->agent.csr_len = 0;
		map = ask_csr(0);
		der = bytes_in(&map, "data");
		request = parse_csr(&map);
		assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
		assert_int_equal(i2d_X509_REQ(request, &again), der.len);
		assert_memory_equal(again, der.data, der.len);
		OPENSSL_free(again);
		X509_REQ_free(request);
	}
}

static void the_key_outlives_a_power_cut(void **state)
{
	struct cbor_reader map = ask_csr(0);
	X509_REQ *first = parse_csr(&map), *second, *third;

	(void)state;
	power_cut();
	map = ask_csr(0);
	second = parse_csr(&map);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(first), X509_REQ_get0_pubkey(second)), 1);
	/* A record that does not agree with itself is no key. */
	assert_true(rig.board->port.flash_program(rig.board, VFLASH_KEY + 16,
						  (const uint8_t[16]) { 0 }, 16));
	power_cut();
	map = ask_csr(0);
	third = parse_csr(&map);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(first), X509_REQ_get0_pubkey(third)), 0);
	X509_REQ_free(first);
	X509_REQ_free(second);
	X509_REQ_free(third);
}

static void a_csr_is_one_csr(void **state)
{
	struct cbor_reader map;
	uint8_t first[REQUEST_MAX];
	struct bytes data;

	(void)state;
	map = ask_csr(10); /* the rest of one that this boot never made */
	assert_int_equal(rc_of(&map), SMP_BAD_STATE);
	map = ask_csr(0);
	data = bytes_in(&map, "data");
	memcpy(first, data.data, data.len);
	map = ask_csr(10);
	assert_int_equal(number_in(&map, "off"), 10);
	data = bytes_in(&map, "data");
	assert_memory_equal(first + 10, data.data, data.len);
	map = ask_csr(REQUEST_MAX);
	assert_int_equal(rc_of(&map), SMP_INVALID);
}

static void a_file_is_there_once_it_is_whole(void **state)
{
	uint8_t content[1000], hash[32];
	struct cbor_reader map;
	uint64_t next = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (uint8_t)(i * 3);
	SHA256(content, sizeof(content), hash);
	while (next < sizeof(content)) {
		size_t len = sizeof(content) - next < 160 ? sizeof(content) - next : 160;

		map = ask_file(PROV_DIGEST, "chain", 0);
		assert_int_equal(rc_of(&map), SMP_NO_ENTRY);
		assert_int_equal(put_piece("chain", next, sizeof(content),
					   bytes_of(content + next, len), &next),
				 SMP_OK);
	}
	power_cut();
	map = ask_file(PROV_DIGEST, "chain", 0);
	assert_memory_equal(bytes_in(&map, "sha256").data, hash, sizeof(hash));
	assert_int_equal(number_in(&map, "len"), sizeof(content));
	map = ask_file(PROV_READ, "chain", 300);
	assert_memory_equal(bytes_in(&map, "data").data, content + 300, 700);
	map = ask_file(PROV_READ, "chain", 1001);
	assert_int_equal(rc_of(&map), SMP_INVALID);
	map = ask_file(PROV_DIGEST, "issuer", 0);
	assert_int_equal(rc_of(&map), SMP_NO_ENTRY);
}

static void a_power_cut_leaves_no_half_file(void **state)
{
	uint8_t content[64] = { 1, 2, 3 };
	struct cbor_reader map;
	uint64_t next;

	(void)state;
	assert_int_equal(put_piece("root", 0, 64, bytes_of(content, 32), &next), SMP_OK);
	power_cut();
	assert_int_equal(put_piece("root", 32, 64, bytes_of(content, 32), &next), SMP_BAD_STATE);
	map = ask_file(PROV_READ, "root", 0);
	assert_int_equal(rc_of(&map), SMP_NO_ENTRY);
}

static void a_piece_may_come_twice(void **state)
{
	uint8_t content[64] = { 9, 8, 7 };
	uint64_t next;

	(void)state;
	assert_int_equal(put_piece("root", 0, 64, bytes_of(content, 32), &next), SMP_OK);
	assert_int_equal(next, 32);
	rig.board->erased = 0;
	assert_int_equal(put_piece("root", 0, 64, bytes_of(content, 32), &next), SMP_OK);
	assert_int_equal(next, 32);
	assert_int_equal(rig.board->erased, 0); /* it knew the piece */
	assert_int_equal(put_piece("root", 32, 64, bytes_of(content + 32, 32), &next), SMP_OK);
	assert_int_equal(put_piece("root", 32, 64, bytes_of(content + 32, 32), &next), SMP_OK);
	assert_int_equal(next, 64);
	content[0] = 1; /* another file, though as long */
	assert_int_equal(put_piece("root", 0, 64, bytes_of(content, 32), &next), SMP_OK);
	assert_int_equal(next, 32);
	assert_int_equal(rig.board->erased, 1);
}

static void wrong_pieces_are_refused(void **state)
{
	static const uint8_t zeros[64];
	static const struct {
		const char *name, *file;
		uint64_t offset, len;
		size_t piece;
		uint64_t rc;
	} cases[] = {
		{ "no such file", "passwd", 0, 16, 16, SMP_NO_ENTRY },
		{ "no name", "", 0, 16, 16, SMP_NO_ENTRY },
		{ "nothing", "root", 0, 0, 0, SMP_INVALID },
		{ "an empty piece", "root", 0, 16, 0, SMP_INVALID },
		{ "more than its length", "root", 0, 16, 32, SMP_INVALID },
		{ "not a multiple of 16", "root", 0, 64, 33, SMP_INVALID },
		{ "longer than the slot", "root", 0, VFLASH_SLOT_SIZE, 16, SMP_TOO_LONG },
		{ "longer than anything", "root", 0, UINT32_MAX, 16, SMP_TOO_LONG },
		{ "longer than 32 bits", "root", 0, 1ULL << 32, 16, SMP_INVALID },
		{ "offset beyond 32 bits", "root", 1ULL << 32, 16, 16, SMP_INVALID },
		{ "in the middle of nothing", "issuer", 16, 64, 16, SMP_BAD_STATE },
	};
	uint64_t next;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t rc = put_piece(cases[i].file, cases[i].offset, cases[i].len,
					bytes_of(zeros, cases[i].piece), &next);

		if (rc != cases[i].rc)
			fail_msg("%s: rc %llu", cases[i].name, (unsigned long long)rc);
	}
}

static struct cbor_writer start_proof(size_t nonce_len, size_t file_count, const char *file)
{
	static const uint8_t zeros[64];
	struct cbor_writer w = start(VERSION_2 | SMP_WRITE, PROV_GROUP, PROV_PROVE);

	cbor_put_map(&w, 3);
	cbor_put_key(&w, "nonce");
	cbor_put_bytes(&w, bytes_of(zeros, nonce_len));
	cbor_put_key(&w, "certificate");
	cbor_put_bytes(&w, bytes_of(zeros, 32));
	cbor_put_key(&w, "files");
	cbor_put_array(&w, file_count);
	for (size_t i = 0; i < file_count; i++)
		cbor_put_key(&w, file);
	return w;
}

static void the_proof_verifies(void **state)
{
	static const uint8_t content[] = "a root certificate";
	uint8_t message[17 + 32 + 32 + 6 + 2 * 32] = "imprint-prove-v1";
	struct cbor_reader map = ask_csr(0);
	X509_REQ *request = parse_csr(&map);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	struct cbor_writer w;
	struct bytes signature;
	uint64_t next;

	(void)state;
	assert_int_equal(put_piece("root", 0, sizeof(content), BYTES(content), &next), SMP_OK);
	w = start_proof(32, 2, "root");
	map = finish(&w);
	signature = bytes_in(&map, "signature");
	memcpy(message + 81, "T-0001", 6);
	SHA256(content, sizeof(content), message + 87);
	SHA256(content, sizeof(content), message + 119);
	assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL,
					      X509_REQ_get0_pubkey(request)),
			 1);
	assert_int_equal(
		EVP_DigestVerify(context, signature.data, signature.len, message, sizeof(message)),
		1);
	EVP_MD_CTX_free(context);
	X509_REQ_free(request);
}

static void a_wrong_challenge_is_refused(void **state)
{
	static const struct {
		size_t nonce_len, file_count;
		const char *file;
		uint64_t rc;
	} cases[] = {
		{ 31, 1, "root", SMP_INVALID },	  { 33, 1, "root", SMP_INVALID },
		{ 32, 0, "root", SMP_INVALID },	  { 32, AGENT_FILES_MAX + 1, "root", SMP_INVALID },
		{ 32, 1, "chain", SMP_NO_ENTRY }, { 32, 1, "", SMP_NO_ENTRY },
	};
	static const uint8_t content[] = "x";
	struct cbor_writer w;
	struct cbor_reader map;
	uint64_t next;

	(void)state;
	assert_int_equal(put_piece("root", 0, sizeof(content), BYTES(content), &next), SMP_OK);
	w = start_proof(32, 1, "root");
	map = finish(&w);
	assert_int_equal(rc_of(&map), SMP_BAD_STATE); /* no key yet, and none is made */
	map = ask_csr(0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w = start_proof(cases[i].nonce_len, cases[i].file_count, cases[i].file);
		map = finish(&w);
		if (rc_of(&map) != cases[i].rc)
			fail_msg("case %zu", i);
	}
}

static bool committed(void)
{
	struct cbor_writer w = start(VERSION_2 | SMP_READ, PROV_GROUP, PROV_IDENTIFY);
	struct cbor_reader map, r;
	bool found;

	cbor_put_map(&w, 0);
	map = finish(&w);
	r = cbor_find(&map, "committed", &found);
	assert_true(found);
	return cbor_next(&r).value;
}

static uint64_t commit(void)
{
	struct cbor_writer w = start(VERSION_2 | SMP_WRITE, PROV_GROUP, PROV_COMMIT);
	struct cbor_reader map;

	cbor_put_map(&w, 0);
	map = finish(&w);
	return rc_of(&map);
}

static void a_commit_stays_until_a_write(void **state)
{
	uint64_t next;

	(void)state;
	assert_int_equal(commit(), SMP_BAD_STATE); /* without a key */
	ask_csr(0);
	assert_false(committed());
	assert_int_equal(commit(), SMP_OK);
	assert_int_equal(commit(), SMP_OK);
	power_cut();
	assert_true(committed());
	assert_int_equal(put_piece("root", 0, 5, bytes_text("12345"), &next), SMP_OK);
	assert_false(committed());
}

static void the_stock_commands_work(void **state)
{
	struct cbor_writer w = start(VERSION_2 | SMP_WRITE, SMP_GROUP_OS, SMP_OS_ECHO);
	struct cbor_reader map, r;
	uint8_t boot[PROV_BOOT_SIZE];
	bool found;

	(void)state;
	cbor_put_map(&w, 1);
	cbor_put_key(&w, "d");
	cbor_put_key(&w, "hello");
	map = finish(&w);
	r = cbor_find(&map, "r", &found);
	assert_true(bytes_equal(cbor_want_string(&r, CBOR_TEXT, 10), bytes_text("hello")));
	w = start(VERSION_2 | SMP_READ, SMP_GROUP_OS, SMP_OS_PARAMS);
	cbor_put_map(&w, 0);
	map = finish(&w);
	assert_int_equal(number_in(&map, "buf_size"), AGENT_MESSAGE_MAX + FRAME_OVERHEAD);
	memcpy(boot, rig.board->agent.boot, sizeof(boot));
	w = start(VERSION_2 | SMP_WRITE, SMP_GROUP_OS, SMP_OS_RESET);
	cbor_put_map(&w, 0);
	map = finish(&w);
	assert_int_equal(rc_of(&map), SMP_OK);
	assert_memory_not_equal(boot, rig.board->agent.boot, sizeof(boot));
}

static void errors_have_the_form_of_their_version(void **state)
{
	static const struct {
		uint8_t version_op;
		uint16_t group;
		uint8_t command;
		const char *payload;
		size_t payload_len;
		const char *answer;
		size_t answer_len;
	} cases[] = {
		{ VERSION_2, PROV_GROUP, PROV_DIGEST, "\xa0", 1,
		  "\xa1\x63"
		  "err\xa2\x65group\x18\x71\x62rc\x05",
		  18 },
		{ VERSION_1, PROV_GROUP, PROV_DIGEST, "\xa0", 1, "\xa1\x62rc\x05", 5 },
		{ VERSION_2, PROV_GROUP, 99, "\xa0", 1, "\xa1\x62rc\x08", 5 },
		{ VERSION_2, 64, 0, "\xa0", 1, "\xa1\x62rc\x08", 5 },
		{ VERSION_1, PROV_GROUP, PROV_DIGEST, "\xbf", 1, "\xa1\x62rc\x03", 5 },
		{ VERSION_1, PROV_GROUP, PROV_DIGEST, "\x80", 1, "\xa1\x62rc\x03", 5 },
		{ VERSION_1, PROV_GROUP, PROV_DIGEST, "\xa0\xa0", 2, "\xa1\x62rc\x03", 5 },
		{ VERSION_1, PROV_GROUP, PROV_DIGEST, "", 0, "\xa1\x62rc\x03", 5 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cbor_writer w = start(cases[i].version_op, cases[i].group, cases[i].command);
		struct bytes answer;

		memcpy(w.data, cases[i].payload, cases[i].payload_len);
		rig.request[3] = (uint8_t)cases[i].payload_len;
		assert_true(exchange(bytes_of(rig.request, SMP_HEADER_SIZE + cases[i].payload_len),
				     &answer));
		if (!bytes_equal(
			    bytes_of(answer.data + SMP_HEADER_SIZE, answer.len - SMP_HEADER_SIZE),
			    bytes_of(cases[i].answer, cases[i].answer_len)))
			fail_msg("case %zu", i);
	}
}

static void what_is_no_request_gets_no_answer(void **state)
{
	static const uint8_t cases[][SMP_HEADER_SIZE] = {
		{ VERSION_2 | SMP_READ_ANSWER, 0, 0, 0, 0, PROV_GROUP, 0, 0 },
		{ VERSION_2 | SMP_WRITE_ANSWER, 0, 0, 0, 0, PROV_GROUP, 0, 0 },
		{ VERSION_2 | 4, 0, 0, 0, 0, PROV_GROUP, 0, 0 },
		{ 0x10, 0, 0, 0, 0, PROV_GROUP, 0, 0 },
		{ 0xe0, 0, 0, 0, 0, PROV_GROUP, 0, 0 },
		{ VERSION_2, 0, 0, 1, 0, PROV_GROUP, 0, 0 },
	};
	struct bytes answer;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (exchange(BYTES(cases[i]), &answer))
			fail_msg("case %zu", i);
	assert_false(exchange(bytes_of(cases[0], 7), &answer));
	assert_false(exchange(bytes_of(cases[0], 0), &answer));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_board, drop_board)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_csr_verifies),
		cmocka_unit_test(numbers_are_as_short_as_they_can_be),
		TEST(every_csr_is_good_der),
		TEST(the_key_outlives_a_power_cut),
		TEST(a_csr_is_one_csr),
		TEST(a_file_is_there_once_it_is_whole),
		TEST(a_power_cut_leaves_no_half_file),
		TEST(a_piece_may_come_twice),
		TEST(wrong_pieces_are_refused),
		TEST(the_proof_verifies),
		TEST(a_wrong_challenge_is_refused),
		TEST(a_commit_stays_until_a_write),
		TEST(the_stock_commands_work),
		TEST(errors_have_the_form_of_their_version),
		TEST(what_is_no_request_gets_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
