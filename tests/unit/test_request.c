/* request: every message to and from the signer, and the permission table. */
#include "hsm/api/refusal.h"
#include "hsm/api/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint8_t record[MESSAGE_MAX];

static struct request full(enum request_type type)
{
	struct request r = { .type = type,
			     .source = SOURCE_LABEL,
			     .evidence = EVIDENCE_SIGNED,
			     .units = UNITS_LIST,
			     .quantity = 10,
			     .after = 77,
			     .until = 1795324416,
			     .since = 5,
			     .csr = bytes_text("csr"),
			     .list = bytes_text("T-1\nT-2\n"),
			     .signature = bytes_text("signature") };

	strcpy(r.order, "WO-4711");
	strcpy(r.unit, "T-0001");
	strcpy(r.product, "demo");
	strcpy(r.nest, "A1");
	strcpy(r.operator, "Wang");
	strcpy(r.reason, "because");
	strcpy(r.pattern, "^T-.*$");
	strcpy(r.code, "00ff");
	strcpy(r.after_text, "WO-1");
	memset(r.certificate_id, 0xc1, sizeof(r.certificate_id));
	memset(r.nonce, 0x4e, sizeof(r.nonce));
	return r;
}

static void every_request_comes_back(void **state)
{
	(void)state;
	for (enum request_type type = 1; type < REQUEST_TYPE_COUNT; type++) {
		static uint8_t again[MESSAGE_MAX];
		struct request sent = full(type), got;
		size_t len, again_len;

		assert_true(request_encode(&sent, record, &len));
		assert_true(request_decode(bytes_of(record, len), &got));
		assert_true(request_encode(&got, again, &again_len));
		assert_int_equal(len, again_len);
		assert_memory_equal(record, again, len);
	}
}

static void every_cut_and_every_leftover_is_refused(void **state)
{
	(void)state;
	for (enum request_type type = 1; type < REQUEST_TYPE_COUNT; type++) {
		struct request sent = full(type), got;
		size_t len;

		assert_true(request_encode(&sent, record, &len));
		for (size_t cut = 0; cut < len; cut++)
			assert_false(request_decode(bytes_of(record, cut), &got));
		record[len] = 0;
		assert_false(request_decode(bytes_of(record, len + 1), &got));
	}
}

static void an_unknown_type_is_refused(void **state)
{
	struct request got;
	uint8_t unknown[2] = { MESSAGE_VERSION, REQUEST_TYPE_COUNT };
	uint8_t zero[2] = { MESSAGE_VERSION, 0 };

	(void)state;
	assert_false(request_decode(BYTES(unknown), &got));
	assert_false(request_decode(BYTES(zero), &got));
	assert_int_equal(request_roles(REQUEST_TYPE_COUNT), 0);
	assert_string_equal(request_name(0), "?");
}

/* What the design says of permission, by hand: the station never opens an order, never ends a
 * certificate. */
static void the_station_has_four_kinds_of_request_less(void **state)
{
	static const enum request_type refused[] = {
		REQUEST_ORDER_OPEN,  REQUEST_ORDER_UNITS, REQUEST_ORDER_QUANTITY,
		REQUEST_ORDER_USE,   REQUEST_ORDER_CLOSE, REQUEST_VOID,
		REQUEST_REVOKE,	     REQUEST_BACKUP,	  REQUEST_VERIFICATION_CERT,
		REQUEST_ACCEPT_TIME,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(request_roles(refused[i]) & ROLE_STATION);
	assert_int_equal(request_roles(REQUEST_INSTALLED), ROLE_STATION);
	assert_false(request_roles(REQUEST_ISSUE) & ROLE_READER);
}

static void an_issued_reply_comes_back(void **state)
{
	struct reply sent = { .type = REPLY_ISSUED, .again = 1, .file_count = 2 }, got;
	size_t len;

	(void)state;
	sent.issuance.id = 42;
	sent.issuance.state = STATE_ISSUED;
	sent.issuance.unit_source = SOURCE_BOARD;
	strcpy(sent.issuance.unit, "T-0001");
	memset(sent.nonce, 0x4e, sizeof(sent.nonce));
	strcpy(sent.files[0].name, "certificate");
	sent.files[0].content = bytes_text("der");
	strcpy(sent.files[1].name, "issuer");
	sent.files[1].content = bytes_text("");
	assert_true(reply_encode(&sent, record, &len));
	assert_true(reply_decode(bytes_of(record, len), &got));
	assert_int_equal(got.file_count, 2);
	assert_true(got.issuance.id == 42);
	assert_string_equal(got.issuance.unit, "T-0001");
	assert_true(bytes_equal(got.files[0].content, bytes_text("der")));
	assert_memory_equal(got.nonce, sent.nonce, 32);
	for (size_t cut = 0; cut < len; cut++)
		assert_false(reply_decode(bytes_of(record, cut), &got));
}

static void a_reply_that_is_too_long_is_no_reply(void **state)
{
	static uint8_t content[MESSAGE_MAX];
	struct reply sent = { .type = REPLY_ISSUED, .file_count = 1 };
	size_t len;

	(void)state;
	sent.files[0].content = BYTES(content);
	assert_false(reply_encode(&sent, record, &len));
}

static void every_refusal_has_name_and_remedy(void **state)
{
	(void)state;
	for (int code = REFUSAL_FIRST; code < REFUSAL_LAST; code++) {
		assert_true(strlen(refusal_name(code)) > 1);
		assert_true(strlen(refusal_remedy(code)) > 10);
	}
	assert_string_equal(refusal_name(REFUSAL_LAST), "");
	assert_true(refusal_blames_board(REFUSAL_CSR));
	assert_false(refusal_blames_board(REFUSAL_TOKEN));
	/* A refused PIN comes as a token that is lost, and needs a hand. */
	assert_non_null(
		strstr(refusal_remedy(REFUSAL_TOKEN), "put the right one into the PIN file"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_comes_back),
		cmocka_unit_test(every_cut_and_every_leftover_is_refused),
		cmocka_unit_test(an_unknown_type_is_refused),
		cmocka_unit_test(the_station_has_four_kinds_of_request_less),
		cmocka_unit_test(an_issued_reply_comes_back),
		cmocka_unit_test(a_reply_that_is_too_long_is_no_reply),
		cmocka_unit_test(every_refusal_has_name_and_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
