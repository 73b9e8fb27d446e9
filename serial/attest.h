/* attest: what an nRF91 modem says of a key that it has made: the second part of its answer to
 * AT%KEYGEN, a COSE_Sign1 (RFC 9052, 4.2).
 *	18([bytes of {1: -7}, {4: bytes}, bytes of payload, signature of 64 bytes])
 *	payload: 55799([9, UUID of 16 bytes, bytes of sec_tag, SHA-256 of the CSR,
 *			nonce of 16 bytes])
 * The signature is the modem's own, made with the identity key that its maker put in: it is not
 * verified here, for a station has neither that maker's list of keys nor a library for signatures.
 * Pure functions; any input is safe. Source: nRF Cloud, "attestation and device key messages".
 * Layer above: driver nrf91. Below: cbor, base64, SHA-256 of libmd. */
#ifndef SERIAL_ATTEST_H
#define SERIAL_ATTEST_H

#include "base/err.h"
#include "base/bytes.h"

#define ATTEST_UUID_LEN 36 /* characters: 50363154-3931-44f0-8022-121b6401627d */

struct attest {
	char uuid[ATTEST_UUID_LEN + 1];
	uint32_t sec_tag;
	uint8_t csr_sha256[32];
};

/* False if it is anything else. */
bool attest_decode(struct bytes cose, struct attest *ret_attest);

/* The whole answer, %KEYGEN: "CSR.COSE", both base64url. The CSR goes to ret_csr (BOARD_CSR_MAX).
 * FAULT_ANSWER, FAULT_CSR_SIZE. */
MUST_CHECK bool attest_read(const char *answer, uint8_t *ret_csr, size_t *ret_len,
			    struct attest *ret_attest, struct err *e);

/* True if that is the CSR which the modem hashed. */
bool attest_covers(const struct attest *attest, struct bytes csr);

/* True if the CSR names the same modem: its common name is the UUID where AT%KEYGEN was given no
 * other. */
bool attest_names(const struct attest *attest, struct bytes csr);

#endif
