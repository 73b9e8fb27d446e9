/* err: what went wrong, as a code for the program and one sentence for the operator.
 * What can fail returns bool (true = done) and takes `struct err *e` last. Each layer adds its
 * context once, in front: "nest A3: reading the CSR: no answer in 3 s". No allocation; long text is
 * cut. Codes: one for each different reaction of a caller. Below 100 they are base's; 100..199 are
 * the signer's refusals (hsm/api/refusal.h); 200..299 are faults of a board (serial/fault.h);
 * from 300 AWS's answers (cloud/aws/iot.h).
 * Threads: an err belongs to one thread. `e` is never NULL. Layer above: all. Below: none. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define ERR_TEXT_SIZE 512

enum err_code {
	ERR_NONE = 0,
	ERR_USAGE,   /* the person typed it wrong: exit 2 */
	ERR_INVALID, /* bytes, a file or a value from outside are not what they must be */
	ERR_REFUSED, /* understood, and not allowed */
	ERR_NOT_FOUND,
	ERR_TIMEOUT,   /* the deadline passed */
	ERR_CANCELLED, /* somebody asked to stop */
	ERR_GONE,      /* the peer hung up, or the line was unplugged */
	ERR_BUSY,      /* held by another process */
	ERR_SYSTEM,    /* the station's own trouble: memory, disk, a system call */
	ERR_TOKEN,     /* the PKCS#11 token: close and reopen may help */
	ERR_PIN,       /* the token refused the PIN: never try again by oneself */
	ERR_CORRUPT,   /* the ledger or a file of ours is not what we wrote: alarm */
};

struct err {
	int code;
	char text[ERR_TEXT_SIZE];
};

static inline bool err_false(void)
{
	return false;
}

/* Sets code and sentence. Always false: `return err_set(e, ERR_INVALID, "…");` */
#define err_set(e, ...) (err_put((e), __VA_ARGS__), err_false())
/* The same with ": " and the text of errno behind it. */
#define err_errno(e, ...) (err_put_errno((e), __VA_ARGS__), err_false())
/* Puts context and ": " in front of the sentence; keeps the code. Always false. */
#define err_add(e, ...) (err_put_context((e), __VA_ARGS__), err_false())

/* What the three are made of: macros, so that the compiler sees the false. */
void err_put(struct err *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void err_put_errno(struct err *e, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void err_put_context(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
