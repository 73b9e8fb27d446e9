#include "hsm/api/issuance.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

bool state_may_follow(enum state from, enum state to)
{
	static const struct {
		enum state from, to;
	} moves[] = {
		{ STATE_RESERVED, STATE_ISSUED },   { STATE_RESERVED, STATE_VOID },
		{ STATE_ISSUED, STATE_INSTALLED },  { STATE_ISSUED, STATE_VOID },
		{ STATE_INSTALLED, STATE_REVOKED },
	};

	for (size_t i = 0; i < COUNT(moves); i++)
		if (moves[i].from == from && moves[i].to == to)
			return true;
	return false;
}

static const char *name_in(const char *const *names, size_t count, unsigned value)
{
	return value < count && names[value] ? names[value] : "?";
}

const char *state_name(enum state state)
{
	static const char *const names[] = {
		[STATE_RESERVED] = "reserved",	 [STATE_ISSUED] = "issued",
		[STATE_INSTALLED] = "installed", [STATE_VOID] = "void",
		[STATE_REVOKED] = "revoked",
	};

	return name_in(names, COUNT(names), state);
}

const char *evidence_name(enum evidence evidence)
{
	static const char *const names[] = {
		[EVIDENCE_NONE] = "",
		[EVIDENCE_DIGEST] = "digest",
		[EVIDENCE_READ_BACK] = "read-back",
		[EVIDENCE_SIGNED] = "signed",
	};

	return name_in(names, COUNT(names), evidence);
}

const char *unit_source_name(enum unit_source source)
{
	static const char *const names[] = {
		[SOURCE_BOARD] = "board",
		[SOURCE_FILE] = "file",
		[SOURCE_LABEL] = "label",
		[SOURCE_LIST] = "list",
	};

	return name_in(names, COUNT(names), source);
}

static uint8_t read_range(struct reader *r, uint8_t min, uint8_t max)
{
	uint8_t value = read_u8(r);

	if (value < min || value > max)
		r->bad = true;
	return value;
}

static int64_t read_time(struct reader *r)
{
	uint64_t value = read_u64(r);

	if (value > INT64_MAX)
		r->bad = true;
	return r->bad ? 0 : (int64_t)value;
}

void issuance_write(struct writer *w, const struct issuance *issuance)
{
	write_u64(w, issuance->id);
	write_u64(w, issuance->issued_entry);
	write_u8(w, (uint8_t)issuance->state);
	write_u8(w, (uint8_t)issuance->evidence);
	write_u8(w, (uint8_t)issuance->unit_source);
	write_u8(w, issuance->rekeyed);
	write_text(w, issuance->order);
	write_text(w, issuance->product);
	write_text(w, issuance->unit);
	write_text(w, issuance->nest);
	write_text(w, issuance->operator);
	write_text(w, issuance->reason);
	write_u8(w, issuance->serial_len);
	write_raw(w, issuance->serial, issuance->serial_len);
	write_raw(w, issuance->certificate_id, SHA256_LEN);
	write_raw(w, issuance->key_sha256, SHA256_LEN);
	write_raw(w, issuance->ca_id, SHA256_LEN);
	write_u64(w, (uint64_t)issuance->reserved_at);
	write_u64(w, (uint64_t)issuance->issued_at);
	write_u64(w, (uint64_t)issuance->installed_at);
	write_u64(w, (uint64_t)issuance->ended_at);
}

void issuance_read(struct reader *r, struct issuance *ret_issuance)
{
	struct issuance i = { 0 };

	i.id = read_u64(r);
	i.issued_entry = read_u64(r);
	i.state = read_range(r, STATE_RESERVED, STATE_REVOKED);
	i.evidence = read_range(r, EVIDENCE_NONE, EVIDENCE_SIGNED);
	i.unit_source = read_range(r, SOURCE_BOARD, SOURCE_LIST);
	i.rekeyed = read_range(r, 0, 1);
	read_text(r, i.order, sizeof(i.order));
	read_text(r, i.product, sizeof(i.product));
	read_text(r, i.unit, sizeof(i.unit));
	read_text(r, i.nest, sizeof(i.nest));
	read_text(r, i.operator, sizeof(i.operator));
	read_text(r, i.reason, sizeof(i.reason));
	i.serial_len = read_range(r, 0, SERIAL_MAX);
	read_raw(r, i.serial, r->bad ? 0 : i.serial_len);
	read_raw(r, i.certificate_id, SHA256_LEN);
	read_raw(r, i.key_sha256, SHA256_LEN);
	read_raw(r, i.ca_id, SHA256_LEN);
	i.reserved_at = read_time(r);
	i.issued_at = read_time(r);
	i.installed_at = read_time(r);
	i.ended_at = read_time(r);
	*ret_issuance = i;
}

void order_write(struct writer *w, const struct order *order)
{
	write_text(w, order->id);
	write_text(w, order->product);
	write_text(w, order->opened_by);
	write_text(w, order->pattern);
	write_u8(w, (uint8_t)order->units);
	write_u8(w, (uint8_t)order->state);
	write_u8(w, order->in_use);
	write_u32(w, order->quantity);
	write_u32(w, order->used);
	write_u32(w, order->listed);
	write_u32(w, order->installed);
	write_u64(w, (uint64_t)order->opened_at);
	write_u64(w, (uint64_t)order->until);
}

void order_read(struct reader *r, struct order *ret_order)
{
	struct order o = { 0 };

	read_text(r, o.id, sizeof(o.id));
	read_text(r, o.product, sizeof(o.product));
	read_text(r, o.opened_by, sizeof(o.opened_by));
	read_text(r, o.pattern, sizeof(o.pattern));
	o.units = read_range(r, UNITS_ANY, UNITS_LIST);
	o.state = read_range(r, ORDER_OPEN, ORDER_CLOSED);
	o.in_use = read_range(r, 0, 1);
	o.quantity = read_u32(r);
	o.used = read_u32(r);
	o.listed = read_u32(r);
	o.installed = read_u32(r);
	o.opened_at = read_time(r);
	o.until = read_time(r);
	*ret_order = o;
}
