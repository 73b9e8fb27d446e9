/* orders: opening, changing, using and closing work orders. */
#include "hsm/signer/requests.h"

#include "hsm/api/proof/pattern.h"

static bool is_name(const char *text)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

	return *text && strspn(text, allowed) == strlen(text);
}

static bool find_order(struct signer *s, struct job *job, bool open_only)
{
	struct order *order = &job->order;

	if (!signer_found(ledger_order(s->ledger, job->request.order, order, &job->err), &job->err))
		return err_set(&job->err, REFUSAL_ORDER_UNKNOWN,
			       "there is no order %s; see: imprint order list", job->request.order);
	if (open_only && order->state != ORDER_OPEN)
		return err_set(&job->err, REFUSAL_ORDER_CLOSED,
			       "the order %s is closed; open a new one", order->id);
	return true;
}

static bool pattern_compiles(const char *text, struct err *e)
{
	struct pattern pattern = { 0 };
	bool ignored;

	if (!pattern_match(&pattern, text, "", &ignored, e)) {
		e->code = REFUSAL_REQUEST;
		return false;
	}
	pattern_clear(&pattern);
	return true;
}

static bool may_open(struct signer *s, struct job *job)
{
	const struct request *r = &job->request;
	struct order known;

	if (!is_name(r->order))
		return err_set(&job->err, REFUSAL_REQUEST,
			       "an order's name is letters, digits, dot, dash and underscore");
	if (signer_found(ledger_order(s->ledger, r->order, &known, &job->err), &job->err))
		return err_set(&job->err, REFUSAL_ORDER_EXISTS,
			       "there is an order %s already; choose another name, or raise its "
			       "quantity with: imprint order quantity",
			       r->order);
	if (r->quantity < 1 || r->quantity > UINT32_MAX || r->units > UNITS_LIST || r->until < 0)
		return err_set(&job->err, REFUSAL_REQUEST, "the order %s: a quantity of at least 1",
			       r->order);
	if (r->until && r->until <= guard_now(&s->guard))
		return err_set(&job->err, REFUSAL_REQUEST,
			       "the order %s would be over already; give a later --until",
			       r->order);
	if (r->units == UNITS_PATTERN && !pattern_compiles(r->pattern, &job->err))
		return false;
	return products_get(s->products, r->product, &job->product, &job->err);
}

void request_order_open(struct signer *s, struct job *job)
{
	const struct request *r = &job->request;
	struct entry opened = { .type = ENTRY_ORDER_OPENED,
				.order = bytes_text(r->order),
				.product = bytes_text(r->product),
				.quantity = r->quantity,
				.units = r->units,
				.pattern = bytes_text(r->pattern),
				.list = r->list,
				.until = (uint64_t)r->until,
				.by = request_by(job) };
	struct entry used = { .type = ENTRY_ORDER_USED,
			      .order = bytes_text(r->order),
			      .by = request_by(job) };

	if (!may_open(s, job) || !signer_append(s, &opened, &job->err)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	request_append(s, job, &used, "%s open and in use: 0 of %llu", r->order,
		       (unsigned long long)r->quantity);
}

void request_order_units(struct signer *s, struct job *job)
{
	struct entry entry = { .type = ENTRY_ORDER_UNITS,
			       .order = bytes_text(job->request.order),
			       .list = job->request.list,
			       .by = request_by(job) };

	if (!find_order(s, job, true)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	if (job->order.units != UNITS_LIST) {
		err_set(&job->err, REFUSAL_STATE, "the order %s has no list of unit ids",
			job->order.id);
		signer_refuse(s, job, &job->err);
		return;
	}
	request_append(s, job, &entry, "%s: more unit ids are on its list", job->order.id);
}

void request_order_quantity(struct signer *s, struct job *job)
{
	struct entry entry = { .type = ENTRY_ORDER_QUANTITY,
			       .order = bytes_text(job->request.order),
			       .quantity = job->request.quantity,
			       .by = request_by(job) };

	if (!find_order(s, job, true)) {
		signer_refuse(s, job, &job->err);
		return;
	}
	if (job->request.quantity < job->order.used || job->request.quantity < 1 ||
	    job->request.quantity > UINT32_MAX) {
		err_set(&job->err, REFUSAL_REQUEST,
			"the order %s has used %u already; its quantity cannot be less",
			job->order.id, job->order.used);
		signer_refuse(s, job, &job->err);
		return;
	}
	request_append(s, job, &entry, "%s: %u of %llu", job->order.id, job->order.used,
		       (unsigned long long)job->request.quantity);
}

void request_order_use(struct signer *s, struct job *job)
{
	struct entry entry = { .type = ENTRY_ORDER_USED,
			       .order = bytes_text(job->request.order),
			       .by = request_by(job) };

	if (!find_order(s, job, true))
		signer_refuse(s, job, &job->err);
	else
		request_append(s, job, &entry, "%s in use: %u of %u", job->order.id,
			       job->order.used, job->order.quantity);
}

void request_order_close(struct signer *s, struct job *job)
{
	struct entry entry = { .type = ENTRY_ORDER_CLOSED,
			       .order = bytes_text(job->request.order),
			       .by = request_by(job) };

	if (!find_order(s, job, true))
		signer_refuse(s, job, &job->err);
	else
		request_append(s, job, &entry, "%s closed: %u of %u", job->order.id,
			       job->order.used, job->order.quantity);
}
