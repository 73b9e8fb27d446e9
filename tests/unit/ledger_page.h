/* ledger_page: the examples of docs/ledger.md, as the page's text and as the entries that it
 * describes. */
#ifndef TESTS_UNIT_LEDGER_PAGE_H
#define TESTS_UNIT_LEDGER_PAGE_H

#include "base/hex.h"
#include "hsm/api/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define PAGE "docs/ledger.md"
#define PAGE_MAX 65536
#define PAGE_TIME 1790000000
#define PAGE_KEY                                                                                   \
	"3059301306072a8648ce3d020106082a8648ce3d03010703420004"                                   \
	"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"                         \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"

static inline const char *page_text(void)
{
	static char text[PAGE_MAX];
	FILE *file = fopen(PAGE, "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	return text;
}

/* The value behind "NAME: " at the start of a line, to its end. */
static inline void page_value(const char *name, char *ret_value, size_t size)
{
	char start[80];
	const char *at;
	size_t len;

	snprintf(start, sizeof(start), "\n%s: ", name);
	at = strstr(page_text(), start);
	if (!at)
		fail_msg("%s has no line %s", PAGE, start + 1);
	at += strlen(start);
	len = strcspn(at, "\n");
	assert_true(len < size);
	memcpy(ret_value, at, len);
	ret_value[len] = '\0';
}

static inline void page_compare(const char *name, struct bytes wanted)
{
	static char hex[8192], value[8192];

	page_value(name, value, sizeof(value));
	if (strcmp(hex_encode(wanted, hex), value))
		fail_msg("%s must say\n%s: %s", PAGE, name, hex);
}

struct page_entries {
	uint8_t key[91], bytes[256], hash_a[SHA256_LEN], hash_b[SHA256_LEN], hash_c[SHA256_LEN];
	struct entry rows[5];
};

#define PAGE_TEXT(text) bytes_text(text)

static inline void page_fill(struct page_entries *p)
{
	uint8_t *b = p->bytes;
	const struct entry rows[] = {
		{ .type = ENTRY_LEDGER,
		  .station = PAGE_TEXT("SZ1"),
		  .key = BYTES(p->key),
		  .prefix = bytes_of("\x5a\x31", 2) },
		{ .type = ENTRY_ORDER_OPENED,
		  .order = PAGE_TEXT("WO-4711"),
		  .product = PAGE_TEXT("thermostat-eu"),
		  .quantity = 400,
		  .units = UNITS_PATTERN,
		  .pattern = PAGE_TEXT("T-[0-9]{4}"),
		  .by = PAGE_TEXT("lee") },
		{ .type = ENTRY_RESERVED,
		  .order = PAGE_TEXT("WO-4711"),
		  .product = PAGE_TEXT("thermostat-eu"),
		  .unit = PAGE_TEXT("T-0001"),
		  .source = SOURCE_BOARD,
		  .nest = PAGE_TEXT("A1"),
		  .operator= PAGE_TEXT("wang"),
		  .serial = bytes_of(b + 0x5a, 16),
		  .key_sha256 = BYTES(p->hash_a),
		  .tbs_sha256 = BYTES(p->hash_b),
		  .ca_id = BYTES(p->hash_c) },
		{ .type = ENTRY_ISSUED,
		  .issuance = 3,
		  .certificate = bytes_of("\x30\x03\x02\x01\x05", 5) },
		{ .type = ENTRY_INSTALLED,
		  .issuance = 3,
		  .evidence = EVIDENCE_SIGNED,
		  .nest = PAGE_TEXT("A1"),
		  .operator= PAGE_TEXT("wang"),
		  .nonce = BYTES(p->hash_a),
		  .digests = BYTES(p->hash_b),
		  .signature = bytes_of("\x30\x06\x02\x01\x01\x02\x01\x02", 8) },
	};

	assert_true(hex_decode(PAGE_KEY, p->key, sizeof(p->key)));
	for (unsigned i = 0; i < sizeof(p->bytes); i++)
		b[i] = (uint8_t)i;
	memset(p->hash_a, 0xaa, SHA256_LEN);
	memset(p->hash_b, 0xbb, SHA256_LEN);
	memset(p->hash_c, 0xcc, SHA256_LEN);
	memcpy(p->rows, rows, sizeof(rows));
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(p->rows[i].ledger_id, b, LEDGER_ID_LEN);
		p->rows[i].epoch = 1;
		p->rows[i].number = i + 1;
		p->rows[i].time_s = PAGE_TIME + i;
	}
}

#endif
