/* signer: the one who holds token and ledger, and the jobs that pass through it.
 * The loop owns sockets and ledger; workers do the pure work. A job is one request on its way:
 *
 *	request -> [worker] -> loop -> commit -> [worker] -> loop -> commit -> reply
 *
 * Each arrow is one of three calls: signer_work (then `next` runs in the loop), signer_commit (then
 * `next` runs when the ledger is durable), signer_reply. The writer commits whatever waits
 * together; nothing leaves before its commit. Trouble with the ledger itself ends the process
 * (signer_die): what is on disk is known again at the next start. Threads: everything here is the
 * loop's, but a job's `work`. Layer above: server, main. Below: pool, ledger, token. */
#ifndef HSM_SIGNER_SIGNER_H
#define HSM_SIGNER_SIGNER_H

#include "hsm/api/refusal.h"
#include "hsm/api/request.h"
#include "hsm/certificate/certificate.h"
#include "hsm/ledger/backup.h"
#include "hsm/ledger/rules.h"
#include "hsm/settings.h"
#include "hsm/signer/guard.h"
#include "hsm/signer/nonces.h"
#include "hsm/signer/pool.h"
#include "hsm/signer/products.h"

struct signer;
struct job;
struct client;

typedef void job_step(struct signer *s, struct job *job);
typedef bool job_work(struct job *job, struct csr_checker *checker, struct err *e);

struct job {
	struct task task; /* first: the pool's task is the job */
	struct job *link; /* in one list of the loop */
	struct client *client;
	unsigned roles;
	int passed_fd; /* that came with the request, or -1; owned */
	uint8_t *record;
	struct request request; /* views into record */

	job_work *work;
	job_step *next;
	bool ok; /* what the work said, with err */
	struct err err;

	/* what the steps hand on */
	const struct ca *ca;
	struct token_key *head_key;
	struct product_ref *product;
	struct order order;
	bool has_order;
	struct csr csr;
	uint8_t serial[16];
	struct tbs tbs;
	struct issuance issuance;
	bool again;
	struct nonce nonce;
	uint8_t der[CERTIFICATE_MAX];
	size_t der_len;
	uint8_t *blob; /* CRL, owned */
	size_t blob_len;
	struct crl_entry *revoked; /* owned */
	size_t revoked_count;
	uint64_t crl_number;
	int64_t now_s;
	struct head head;
	struct backup *backup; /* owned */
	bool backup_done;
	uint8_t *files[REPLY_FILES_MAX]; /* owned */
	size_t file_lens[REPLY_FILES_MAX];
	size_t file_count;
};

struct jobs {
	struct job *first, **end;
};

#define DISK_LEAST_MB 64 /* below that nothing is reserved, and no alarm entered */

struct signer {
	struct settings settings;
	char ledger_path[PATH_MAX];
	struct ledger *ledger;
	struct token *token; /* NULL while it is lost */
	struct ca *ca;
	struct token_key *head_key;
	struct pool *pool;
	struct products *products;
	struct guard guard;
	struct nonces nonces;
	char token_trouble[ERR_TEXT_SIZE]; /* why it is lost */
	int64_t token_retry_ms; /* when to reopen it, and how long to wait the next time */
	int64_t token_pause_ms;
	uint64_t disk_free_mb;
	int64_t disk_seen_ms;
	int64_t ca_seen_s;	/* when its end was looked at */
	struct jobs committing; /* their next runs after the commit */
	struct jobs pending;	/* wait for another job's issuance */
	int64_t transaction_ms; /* when the one under way began */
	unsigned transaction_rows;
	unsigned job_count;
	bool backup_runs;
	bool settled; /* an issuance left the state reserved: the pending ones ask again */
};

/* Opens ledger, token and CA, checks them against each other, voids what a crash left reserved.
 * A token that is not there is waited for, as if it had just been lost. */
MUST_CHECK bool signer_open(struct signer *s, struct err *e);
void signer_close(struct signer *s);

void signer_work(struct signer *s, struct job *job, job_work *work, job_step *next);
void signer_commit(struct signer *s, struct job *job, job_step *next);
/* Until an issuance leaves the state reserved: another job is signing for the same unit. */
void signer_wait(struct signer *s, struct job *job, job_step *next);

/* Answers, and the job is over. The reply is encoded at once. */
void signer_reply(struct signer *s, struct job *job, const struct reply *reply);
void signer_refuse(struct signer *s, struct job *job, const struct err *e);
void signer_done(struct signer *s, struct job *job, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Appends an entry now, in the transaction under way (begun if there is none). False only for a
 * move that is not allowed; trouble with the ledger ends the process. */
bool signer_append(struct signer *s, struct entry *entry, struct err *e);
/* For calls of the ledger that must not fail: ends the process with the sentence. */
void signer_die(const struct err *e) __attribute__((noreturn));
/* True, false for ERR_NOT_FOUND (err is in e), and the process ends for anything else. */
bool signer_found(bool done, struct err *e);

/* What the loop does between two waits: finished work, commits, the token, the disk. Returns the ms
 * until it wants to be called again. */
int signer_turn(struct signer *s);

/* The entry points of requests: one row of a table in requests.c each. */
void signer_request(struct signer *s, struct job *job);
void issue_start(struct signer *s, struct job *job);
void installed_start(struct signer *s, struct job *job);

struct job *job_new(struct client *client, unsigned roles, struct bytes record, int passed_fd);
void job_free(struct job *job);

/* keeper: the token's presence. It may hang in any call, and then holds locks that nobody can take
 * back: whoever finds that ends the process with KEEPER_HUNG. */
#define KEEPER_HUNG_S 10 /* no sound token takes that long for a signature */
#define KEEPER_HUNG "the token does not come back from a call, the signer ends"
MUST_CHECK bool keeper_open(struct signer *s, struct err *e);
/* Parts of it: the ledger's CA into s->ca; its key and that of the heads, found in an open token. */
MUST_CHECK bool keeper_ca(struct signer *s, struct err *e);
MUST_CHECK bool keeper_keys(struct signer *s, struct token *token, struct err *e);
void keeper_lost(struct signer *s, const struct err *why);
void keeper_turn(struct signer *s);
/* The calls that this thread makes until the next keeper_limit(0) must be over in that time. */
void keeper_limit(unsigned seconds);

/* server: sends the reply to the job's client, if it is still there; and its name for the ledger
 * ("anna (1003)"). */
void client_answer(struct client *client, struct bytes record);
const char *client_name(const struct client *client);

#endif
