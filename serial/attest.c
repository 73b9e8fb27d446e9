#include "serial/attest.h"

#include "base/cbor.h"
#include "serial/base64.h"
#include "serial/board.h"
#include "serial/fault.h"

#include <sha2.h>
#include <stdio.h>

#define UUID_SIZE 16
#define NONCE_SIZE 16
#define SIGNATURE_SIZE 64
#define ES256 6 /* -7: CBOR has -1 - 6 */
#define CSR_MESSAGE 9
#define COSE_MAX 1024
#define PART_MAX 256 /* of the message: more is none of ours */

static const uint8_t sign1_tag[] = { 0xd2 };
static const uint8_t cbor_tag[] = { 0xd9, 0xd9, 0xf7 };
/* ecdsa-with-SHA256, as RFC 5758 has it. */
static const uint8_t algorithm[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
				     0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

/* What follows a tag; nothing if it is not there. */
static struct bytes behind(struct bytes input, struct bytes tag)
{
	if (input.len < tag.len || memcmp(input.data, tag.data, tag.len) != 0)
		return bytes_of(NULL, 0);
	return bytes_of(input.data + tag.len, input.len - tag.len);
}

/* {1: -7}, in a byte string of its own. */
static bool says_es256(struct bytes headers)
{
	struct cbor_reader r = cbor_reader_start(headers);
	struct cbor_item algorithm_id;

	cbor_want(&r, CBOR_MAP);
	if (cbor_want_unsigned(&r) != 1)
		return false;
	algorithm_id = cbor_next(&r);
	return cbor_ok(&r) && algorithm_id.type == CBOR_NEGATIVE && algorithm_id.value == ES256;
}

static bool take_envelope(struct bytes cose, struct bytes *ret_payload)
{
	struct cbor_reader r = cbor_reader_start(behind(cose, BYTES(sign1_tag)));
	struct bytes headers, payload, signature;

	cbor_want(&r, CBOR_ARRAY);
	headers = cbor_want_string(&r, CBOR_BYTES, PART_MAX);
	cbor_want(&r, CBOR_MAP); /* {4: which of its keys}: it has one for this */
	cbor_leave(&r);
	payload = cbor_want_string(&r, CBOR_BYTES, PART_MAX);
	signature = cbor_want_string(&r, CBOR_BYTES, SIGNATURE_SIZE);
	cbor_leave(&r);
	if (!cbor_at_end(&r) || signature.len != SIGNATURE_SIZE || !says_es256(headers))
		return false;
	*ret_payload = payload;
	return true;
}

/* An integer in a byte string of its own; negative where the number has its highest bit set. */
static bool take_sec_tag(struct bytes input, uint32_t *ret_sec_tag)
{
	struct cbor_reader r = cbor_reader_start(input);
	struct cbor_item item = cbor_next(&r);

	if (!cbor_at_end(&r) || item.value > UINT32_MAX ||
	    (item.type != CBOR_UNSIGNED && item.type != CBOR_NEGATIVE))
		return false;
	*ret_sec_tag = item.type == CBOR_NEGATIVE ? ~(uint32_t)item.value : (uint32_t)item.value;
	return true;
}

static void put_uuid(const uint8_t uuid[static UUID_SIZE], char ret_text[ATTEST_UUID_LEN + 1])
{
	char *at = ret_text;

	for (size_t i = 0; i < UUID_SIZE; i++)
		at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
			      uuid[i]);
}

bool attest_decode(struct bytes cose, struct attest *ret_attest)
{
	struct bytes payload = { NULL, 0 }, uuid, sec_tag, sha256, nonce;
	struct cbor_reader r;
	struct attest attest;
	uint64_t type;

	if (!take_envelope(cose, &payload))
		return false;
	r = cbor_reader_start(behind(payload, BYTES(cbor_tag)));
	cbor_want(&r, CBOR_ARRAY);
	type = cbor_want_unsigned(&r);
	uuid = cbor_want_string(&r, CBOR_BYTES, UUID_SIZE);
	sec_tag = cbor_want_string(&r, CBOR_BYTES, PART_MAX);
	sha256 = cbor_want_string(&r, CBOR_BYTES, sizeof(attest.csr_sha256));
	nonce = cbor_want_string(&r, CBOR_BYTES, NONCE_SIZE);
	cbor_leave(&r);
	if (!cbor_at_end(&r) || type != CSR_MESSAGE || uuid.len != UUID_SIZE ||
	    sha256.len != sizeof(attest.csr_sha256) || nonce.len != NONCE_SIZE ||
	    !take_sec_tag(sec_tag, &attest.sec_tag))
		return false;
	put_uuid(uuid.data, attest.uuid);
	memcpy(attest.csr_sha256, sha256.data, sha256.len);
	*ret_attest = attest;
	return true;
}

bool attest_read(const char *answer, uint8_t *ret_csr, size_t *ret_len, struct attest *ret_attest,
		 struct err *e)
{
	const char *first = strchr(answer, '"');
	const char *dot = first ? strchr(first, '.') : NULL, *last = dot ? strchr(dot, '"') : NULL;
	uint8_t cose[COSE_MAX];
	size_t cose_len;

	if (!last || last[1] != '\0')
		return err_set(e, FAULT_ANSWER,
			       "the modem's answer makes no sense: no \"CSR.COSE\" in quotes");
	if (!base64_decode(bytes_of(first + 1, (size_t)(dot - first - 1)), BASE64_URL, ret_csr,
			   BOARD_CSR_MAX, ret_len) ||
	    !base64_decode(bytes_of(dot + 1, (size_t)(last - dot - 1)), BASE64_URL, cose,
			   sizeof(cose), &cose_len))
		return err_set(e, FAULT_ANSWER,
			       "the modem's answer makes no sense: it is not base64url");
	if (*ret_len == 0)
		return err_set(e, FAULT_CSR_SIZE, "it is empty");
	return attest_decode(bytes_of(cose, cose_len), ret_attest) ||
	       err_set(e, FAULT_ANSWER,
		       "the modem's answer makes no sense: it does not attest a key");
}

/* SHA-256 of the three, one behind the other. */
static bool hash_is(const uint8_t wanted[static 32], struct bytes a, struct bytes b, struct bytes c)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, a.data, a.len);
	SHA256Update(&context, b.data, b.len);
	SHA256Update(&context, c.data, c.len);
	SHA256Final(hash, &context);
	return memcmp(hash, wanted, sizeof(hash)) == 0;
}

/* A modem of old hashes its CSR with NULL in the parameters of the signature's algorithm, and its
 * answer may have lost that NULL since: the same bytes but for these two and two lengths. */
static bool hash_is_with_null(const uint8_t wanted[static 32], struct bytes csr)
{
	static const uint8_t with_null[] = { 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48,
					     0xce, 0x3d, 0x04, 0x03, 0x02, 0x05, 0x00 };
	const uint8_t *at = memmem(csr.data, csr.len, algorithm, sizeof(algorithm));
	uint8_t before[PART_MAX * 2];
	size_t len = at ? (size_t)(at - csr.data) : 0, total;

	if (len < 4 || len > sizeof(before) || csr.data[1] != 0x82)
		return false;
	memcpy(before, csr.data, len);
	total = ((size_t)before[2] << 8 | before[3]) + 2;
	before[2] = (uint8_t)(total >> 8);
	before[3] = (uint8_t)total;
	at += sizeof(algorithm);
	return hash_is(wanted, bytes_of(before, len), BYTES(with_null),
		       bytes_of(at, csr.len - (size_t)(at - csr.data)));
}

bool attest_covers(const struct attest *attest, struct bytes csr)
{
	const struct bytes none = { NULL, 0 };

	return hash_is(attest->csr_sha256, csr, none, none) ||
	       hash_is_with_null(attest->csr_sha256, csr);
}

bool attest_names(const struct attest *attest, struct bytes csr)
{
	/* id-at-commonName, then a UTF8String. */
	uint8_t name[7 + ATTEST_UUID_LEN] = { 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, ATTEST_UUID_LEN };

	memcpy(name + 7, attest->uuid, ATTEST_UUID_LEN);
	return memmem(csr.data, csr.len, name, sizeof(name)) != NULL;
}
