/* request: what may be asked of the signer and what it answers, one SEQPACKET record each way, in
 * order. One table in request.c says for each type its name, its fields in order, and who may ask:
 * the permission table. Decoding checks every length and refuses a leftover byte. Views (struct
 * bytes) point into the record. The socket is `signer.sock` in the signer's run folder. A caller
 * waits for its answer before it asks again. Threads: any. Layer above: signer, station, command.
 * Below: message. */
#ifndef HSM_API_REQUEST_H
#define HSM_API_REQUEST_H

#include "base/err.h"
#include "hsm/api/issuance.h"

#define SIGNER_SOCKET "signer.sock"
#define REQUEST_CSR_MAX 4096
#define REQUEST_LIST_MAX 49152 /* bytes of unit ids, one a line, in one record */
#define REQUEST_CODE_LEN 64
#define REPLY_TEXT_MAX 512
#define REPLY_FILES_MAX 8
#define REPLY_FILE_NAME_MAX 32
#define REPLY_ROWS_MAX 61440

/* Who may ask: bits. A peer has those that the signer's settings give to its user and groups. */
enum role { ROLE_STATION = 1, ROLE_SUPERVISOR = 2, ROLE_READER = 4 };

enum request_type {
	REQUEST_STATUS = 1, /* -> STATUS */
	REQUEST_ISSUE,	   /* order ("" = the one in use) unit source nest operator csr -> ISSUED */
	REQUEST_INSTALLED, /* certificate_id unit nest operator evidence nonce signature -> DONE */
	REQUEST_ORDER_OPEN,	/* order product quantity until units pattern list -> DONE */
	REQUEST_ORDER_UNITS,	/* order list -> DONE */
	REQUEST_ORDER_QUANTITY, /* order quantity -> DONE */
	REQUEST_ORDER_USE,	/* order -> DONE */
	REQUEST_ORDER_CLOSE,	/* order -> DONE */
	REQUEST_ORDERS, /* after_text -> ROWS of orders with id > after_text; order: only that one
			 */
	REQUEST_VOID,	/* unit reason -> DONE */
	REQUEST_REVOKE, /* unit, or unit "" and certificate_id; reason -> DONE */
	REQUEST_ISSUANCES, /* after order unit since -> ROWS of issuances with id > after */
	REQUEST_FIND, /* after_text: unit, certificate serial or certificate id in hex -> ROWS of
			 issuances */
	REQUEST_CERTIFICATE, /* certificate_id -> BLOB: DER */
	REQUEST_ENTRIES, /* after -> ROWS: u32 length and CBOR each, of entries with number > after
			  */
	REQUEST_HEAD,	 /* -> HEAD, signed now */
	REQUEST_CA,	 /* -> CA */
	REQUEST_CRL,	 /* with a descriptor to write to -> DONE */
	REQUEST_BACKUP,	 /* with a descriptor to write to -> DONE */
	REQUEST_VERIFICATION_CERT, /* code -> BLOB: DER */
	REQUEST_ACCEPT_TIME,	   /* reason -> DONE */
	REQUEST_TYPE_COUNT
};

struct request {
	enum request_type type;
	char order[NAME_MAX_LEN + 1];
	char unit[NAME_MAX_LEN + 1]; /* ISSUE with SOURCE_LIST: "" for that which its key has, or
					the next of the order's list */
	char product[NAME_MAX_LEN + 1];
	char nest[NEST_MAX_LEN + 1];
	char operator[NAME_MAX_LEN + 1];
	char reason[REASON_MAX_LEN + 1];
	char pattern[PATTERN_MAX_LEN + 1];
	char code[REQUEST_CODE_LEN + 1];
	char after_text[2 * SHA256_LEN + 1];
	uint8_t certificate_id[SHA256_LEN];
	uint8_t nonce[32];
	uint64_t source, evidence, units, quantity,
		after;	      /* enum unit_source, evidence, order_units */
	int64_t until, since; /* seconds since 1970 UTC, 0 = none */
	struct bytes csr, list, signature;
};

enum reply_type {
	REPLY_DONE = 128, /* text: one sentence for people */
	REPLY_REFUSED,	  /* code (enum refusal), text */
	REPLY_ISSUED,	  /* see struct reply */
	REPLY_ROWS,	  /* rows, more */
	REPLY_BLOB,	  /* rows: the bytes */
	REPLY_HEAD,	  /* rows: as head_write writes it */
	REPLY_CA, /* rows: certificate and chain, DER after DER; text: "" or why it cannot issue */
	REPLY_STATUS, /* see struct signer_status */
	REPLY_TYPE_END
};

struct reply_file {
	char name[REPLY_FILE_NAME_MAX + 1];
	struct bytes content; /* exactly these bytes go into the board */
	uint8_t sha256[SHA256_LEN];
};

#define CA_WARN_S (180LL * 86400) /* before its end the CA's successor should be under way */

struct signer_status {
	char station[NAME_MAX_LEN + 1];
	char ca_subject[REASON_MAX_LEN + 1]; /* "" without a CA */
	char order[NAME_MAX_LEN + 1];	     /* in use, or "" */
	char product[NAME_MAX_LEN + 1];	     /* of that order */
	char trouble[REASON_MAX_LEN + 1];    /* "" or why issuing pauses now, with the remedy */
	int64_t ca_ends;
	uint64_t entries, quantity, used;
	uint64_t token_ok, disk_free_mb, training;
	uint64_t signing_s; /* for how long the token has been at its oldest signature */
};

struct reply {
	enum reply_type type;
	uint64_t code;
	char text[REPLY_TEXT_MAX + 1];
	uint64_t more; /* ROWS: 1 if there are more behind these */
	struct bytes rows;
	struct signer_status status;
	/* ISSUED */
	struct issuance issuance;
	uint64_t again; /* 1: the same certificate as before, nothing new was signed */
	uint8_t nonce[32];
	uint64_t file_count;
	struct reply_file files[REPLY_FILES_MAX];
};

const char *request_name(enum request_type type); /* "issue"; "?" for a type that is none */
/* Which of `roles` may ask: 0 = nobody. */
unsigned request_roles(enum request_type type);

/* Each writes a record of at most MESSAGE_MAX bytes; false if it does not fit. */
MUST_CHECK bool request_encode(const struct request *request, uint8_t *record, size_t *ret_len);
MUST_CHECK bool request_decode(struct bytes record, struct request *ret_request);
MUST_CHECK bool reply_encode(const struct reply *reply, uint8_t *record, size_t *ret_len);
MUST_CHECK bool reply_encode_into(const struct reply *reply, uint8_t *record, size_t size,
				  size_t *ret_len);
MUST_CHECK bool reply_decode(struct bytes record, struct reply *ret_reply);

/* The caller's side: one connection, one question at a time. Errors: what socket.h says; and for an
 * answer REFUSED, err.code is the enum refusal and err.text its sentence. The reply's views live in
 * `record` (MESSAGE_MAX). */
MUST_CHECK bool signer_connect(int *ret_fd, struct err *e);
MUST_CHECK bool signer_call(int fd, const struct request *request, int pass_fd, uint8_t *record,
			    struct reply *ret_reply, int64_t deadline, int cancel_fd,
			    struct err *e);

#endif
