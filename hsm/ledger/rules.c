#include "hsm/ledger/rules.h"

#include "base/clock.h"
#include "base/hex.h"
#include "hsm/api/refusal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define REKEYS_MAX 3

struct decision {
	struct ledger *l;
	const struct rules_question *q;
	enum verdict verdict;
	struct issuance issuance;
	struct err refusal;
};

static void refuse(struct decision *d, enum refusal code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct decision *d, enum refusal code, const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	err_set(&d->refusal, code, "%s", text);
	d->verdict = VERDICT_REFUSED;
}

static const char *serial_text(const struct issuance *issuance,
			       char text[static 2 * SERIAL_MAX + 1])
{
	return hex_encode(bytes_of(issuance->serial, issuance->serial_len), text);
}

/* A look-up that may find nothing: false only for trouble. */
static bool found(bool done, bool *ret_found, struct err *e)
{
	*ret_found = done;
	return done || e->code == ERR_NOT_FOUND;
}

/* One key, two units: a copied flash image or a broken random number generator. It stays so for
 * ever, whatever became of the other unit's certificate. */
static bool key_is_elsewhere(struct decision *d, bool *ret_found, struct err *e)
{
	const struct issuance *other = &d->issuance;
	char serial[2 * SERIAL_MAX + 1];

	if (!found(ledger_key_elsewhere(d->l, d->q->key_sha256, d->q->unit, &d->issuance, e),
		   ret_found, e))
		return false;
	if (!*ret_found)
		return true;
	refuse(d, REFUSAL_KEY_OTHER_UNIT,
	       "unit %s shows the key of unit %s (certificate serial %s, %s): a copied flash image "
	       "or a broken random number generator; set both boards aside and call a supervisor",
	       d->q->unit, other->unit, serial_text(other, serial), state_name(other->state));
	d->verdict = VERDICT_ALARM;
	return true;
}

static bool key_is_revoked(struct decision *d, bool *ret_found, struct err *e)
{
	char serial[2 * SERIAL_MAX + 1];

	if (!found(ledger_key_revoked(d->l, d->q->key_sha256, &d->issuance, e), ret_found, e))
		return false;
	if (*ret_found)
		refuse(d, REFUSAL_KEY_REVOKED,
		       "unit %s shows a key whose certificate (serial %s) was revoked: erase the "
		       "board so that it makes a new key, then run it again",
		       d->q->unit, serial_text(&d->issuance, serial));
	return true;
}

static bool same_hash(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, SHA256_LEN) == 0;
}

/* The same unit with the same key: the same certificate, if it is still the right one. */
static void answer_again(struct decision *d)
{
	const struct issuance *earlier = &d->issuance;
	bool product = strcmp(earlier->product, d->q->product) == 0;
	bool ca = same_hash(earlier->ca_id, d->q->ca_id);
	char serial[2 * SERIAL_MAX + 1];

	if (product && ca)
		d->verdict = earlier->state == STATE_RESERVED ? VERDICT_PENDING : VERDICT_AGAIN;
	else if (!product)
		refuse(d, REFUSAL_UNIT_OTHER_KEY,
		       "unit %s has a certificate (serial %s) of product %s, not %s; if it shall "
		       "become the other, a supervisor %s it first: imprint %s %s --reason TEXT",
		       d->q->unit, serial_text(earlier, serial), earlier->product, d->q->product,
		       earlier->state == STATE_INSTALLED ? "revokes" : "voids",
		       earlier->state == STATE_INSTALLED ? "revoke" : "void", d->q->unit);
	else
		refuse(d, REFUSAL_UNIT_OTHER_KEY,
		       "unit %s has a certificate (serial %s) of an earlier CA; if it shall have "
		       "one of the CA in use, a supervisor %s it first: imprint %s %s --reason "
		       "TEXT",
		       d->q->unit, serial_text(earlier, serial),
		       earlier->state == STATE_INSTALLED ? "revokes" : "voids",
		       earlier->state == STATE_INSTALLED ? "revoke" : "void", d->q->unit);
}

static void refuse_other_key(struct decision *d)
{
	const struct issuance *earlier = &d->issuance;
	bool installed = earlier->state == STATE_INSTALLED;
	char serial[2 * SERIAL_MAX + 1];

	if (earlier->state == STATE_RESERVED)
		refuse(d, REFUSAL_UNIT_OTHER_KEY,
		       "a certificate (serial %s) with another key is just being made for unit %s: "
		       "look for a second board with this unit id, then run it again",
		       serial_text(earlier, serial), d->q->unit);
	else
		refuse(d, REFUSAL_UNIT_OTHER_KEY,
		       "unit %s shows a new key, but has a certificate (serial %s, %s) for another "
		       "one; a supervisor %s it: imprint %s %s --reason TEXT",
		       d->q->unit, serial_text(earlier, serial), state_name(earlier->state),
		       installed ? "revokes" : "voids", installed ? "revoke" : "void", d->q->unit);
}

static bool check_order(struct decision *d, uint32_t coming_back, struct err *e)
{
	const struct order *order = d->q->order;
	char time[CLOCK_TEXT_SIZE];
	bool takes;

	if (!order) {
		refuse(d, REFUSAL_ORDER_NONE,
		       "no order is in use for unit %s; a supervisor opens one (imprint order "
		       "open) or puts one in use (imprint order use ID)",
		       d->q->unit);
		return true;
	}
	if (!ledger_order_takes(d->l, order, d->q->unit, &takes, e))
		return false;
	if (order->state != ORDER_OPEN)
		refuse(d, REFUSAL_ORDER_CLOSED,
		       "order %s is closed, nothing new is issued for unit %s; a supervisor opens "
		       "a new order: imprint order open ID --product %s --quantity N",
		       order->id, d->q->unit, order->product);
	else if (order->until && d->q->now_s > order->until)
		refuse(d, REFUSAL_ORDER_LATE,
		       "order %s ended on %s, nothing new is issued for unit %s; a supervisor "
		       "opens a new order: imprint order open ID --product %s --quantity N --until "
		       "DATE",
		       order->id, clock_format(order->until, time), d->q->unit, order->product);
	else if (!takes && order->units == UNITS_LIST)
		refuse(d, REFUSAL_ORDER_UNIT,
		       "unit %s is not on the list of order %s; check the board, or a supervisor "
		       "adds it to the order",
		       d->q->unit, order->id);
	else if (!takes)
		refuse(d, REFUSAL_ORDER_UNIT,
		       "unit %s does not match the pattern %s of order %s; check the board, or a "
		       "supervisor opens an order for it",
		       d->q->unit, order->pattern, order->id);
	else if (order->used >= (uint64_t)order->quantity + coming_back)
		refuse(d, REFUSAL_ORDER_QUOTA,
		       "order %s has used up its quantity of %" PRIu32
		       ", none is left for unit %s; a supervisor may raise it or open the next "
		       "order",
		       order->id, order->quantity, d->q->unit);
	else
		d->verdict = VERDICT_NEW;
	return true;
}

/* A board that cannot keep its key until it is installed: the signer voids the earlier issuance
 * itself, if the new one would then pass, and not for ever. */
static bool decide_rekey(struct decision *d, struct err *e)
{
	const struct order *order = d->q->order;
	bool same_order = order && strcmp(d->issuance.order, order->id) == 0;
	uint32_t rekeys;

	if (!ledger_rekeys(d->l, d->q->unit, &rekeys, e))
		return false;
	if (rekeys >= REKEYS_MAX) {
		refuse(d, REFUSAL_REKEY_LIMIT,
		       "unit %s shows a new key again after %" PRIu32
		       " certificates that were never installed: set the board aside; to try once "
		       "more, a supervisor runs imprint void %s --reason TEXT",
		       d->q->unit, rekeys, d->q->unit);
		return true;
	}
	if (!check_order(d, same_order, e))
		return false;
	if (d->verdict == VERDICT_NEW)
		d->verdict = VERDICT_REKEY;
	return true;
}

/* What the unit has already; *ret_open if that leaves room for a new issuance. */
static bool look_at_unit(struct decision *d, bool *ret_open, struct err *e)
{
	bool any;

	if (!found(ledger_by_unit(d->l, d->q->unit, &d->issuance, e), &any, e))
		return false;
	*ret_open = !any || d->issuance.state == STATE_VOID || d->issuance.state == STATE_REVOKED;
	if (*ret_open)
		return true;
	if (same_hash(d->issuance.key_sha256, d->q->key_sha256))
		answer_again(d);
	else if (d->q->rekey_before_installed && d->issuance.state == STATE_ISSUED)
		return decide_rekey(d, e);
	else
		refuse_other_key(d);
	return true;
}

static bool decide(struct decision *d, struct err *e)
{
	bool stop, open;

	if (!key_is_elsewhere(d, &stop, e))
		return false;
	if (stop)
		return true;
	if (!key_is_revoked(d, &stop, e))
		return false;
	if (stop)
		return true;
	if (!look_at_unit(d, &open, e))
		return false;
	return !open || check_order(d, 0, e);
}

bool rules_decide(struct ledger *l, const struct rules_question *question,
		  enum verdict *ret_verdict, struct issuance *ret_issuance, struct err *ret_refusal,
		  struct err *e)
{
	struct decision d = { .l = l, .q = question, .verdict = VERDICT_REFUSED };

	if (!decide(&d, e))
		return false;
	*ret_verdict = d.verdict;
	*ret_issuance = d.issuance;
	*ret_refusal = d.refusal;
	return true;
}
