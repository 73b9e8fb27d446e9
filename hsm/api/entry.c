#include "hsm/api/entry.h"

#include "base/cbor.h"
#include "hsm/api/text.h"

#include <stddef.h>

#define FIELDS_MAX 10
#define FRAME_ITEMS 6 /* version, ledger id, epoch, number, time, type */
#define KEY_MAX 600
#define CHAIN_MAX 16384
#define SIGNATURE_MAX 600
#define HEAD_LINE_MAX 1024
#define CODE_MAX_LEN 64
#define PREFIX_MAX 6

struct field {
	const char *name;
	enum entry_field_kind kind;
	size_t offset;
	uint64_t min, max; /* of the length in bytes, or of the number */
};

struct layout {
	const char *name;
	struct field fields[FIELDS_MAX + 1]; /* up to one without a name */
};

#define TEXT(member, min, max)                                                                     \
	{                                                                                          \
#member, FIELD_TEXT, offsetof(struct entry, member), min, max                      \
	}
#define DATA(member, min, max)                                                                     \
	{                                                                                          \
#member, FIELD_BYTES, offsetof(struct entry, member), min, max                     \
	}
#define NUMBER(member, min, max)                                                                   \
	{                                                                                          \
#member, FIELD_NUMBER, offsetof(struct entry, member), min, max                    \
	}

#define ORDER TEXT(order, 1, NAME_MAX_LEN)
#define UNIT TEXT(unit, 1, NAME_MAX_LEN)
#define NEST TEXT(nest, 0, NEST_MAX_LEN)
#define OPERATOR TEXT(operator, 0, NAME_MAX_LEN)
#define BY TEXT(by, 0, NAME_MAX_LEN)
#define REASON TEXT(reason, 1, REASON_MAX_LEN)
#define QUANTITY NUMBER(quantity, 1, UINT32_MAX)
#define CERTIFICATE DATA(certificate, 1, CERTIFICATE_MAX)
#define HASH(member) DATA(member, SHA256_LEN, SHA256_LEN)
#define ISSUANCE NUMBER(issuance, 1, INT64_MAX)

static const struct layout layouts[ENTRY_TYPE_COUNT] = {
	[ENTRY_LEDGER] = { "ledger",
			   { TEXT(station, 1, NAME_MAX_LEN), DATA(key, 1, KEY_MAX),
			     DATA(prefix, 0, PREFIX_MAX) } },
	[ENTRY_CA_KEY] = { "ca-key", { TEXT(subject, 1, REASON_MAX_LEN), DATA(key, 1, KEY_MAX) } },
	[ENTRY_CA] = { "ca", { CERTIFICATE, DATA(chain, 0, CHAIN_MAX) } },
	[ENTRY_ORDER_OPENED] = { "order-opened",
				 { ORDER, TEXT(product, 1, NAME_MAX_LEN), QUANTITY,
				   NUMBER(units, UNITS_ANY, UNITS_LIST),
				   TEXT(pattern, 0, PATTERN_MAX_LEN), TEXT(list, 0, LIST_MAX_LEN),
				   NUMBER(until, 0, ENTRY_TIME_MAX), BY } },
	[ENTRY_ORDER_UNITS] = { "order-units", { ORDER, TEXT(list, 1, LIST_MAX_LEN), BY } },
	[ENTRY_ORDER_QUANTITY] = { "order-quantity", { ORDER, QUANTITY, BY } },
	[ENTRY_ORDER_USED] = { "order-used", { ORDER, BY } },
	[ENTRY_ORDER_CLOSED] = { "order-closed", { ORDER, BY } },
	[ENTRY_RESERVED] = { "reserved",
			     { ORDER, TEXT(product, 1, NAME_MAX_LEN), UNIT,
			       NUMBER(source, SOURCE_BOARD, SOURCE_LIST), NEST, OPERATOR,
			       DATA(serial, 1, SERIAL_MAX), HASH(key_sha256), HASH(tbs_sha256),
			       HASH(ca_id) } },
	[ENTRY_ISSUED] = { "issued", { ISSUANCE, CERTIFICATE } },
	[ENTRY_INSTALLED] = { "installed",
			      { ISSUANCE, NUMBER(evidence, EVIDENCE_DIGEST, EVIDENCE_SIGNED), NEST,
				OPERATOR, DATA(nonce, 0, SHA256_LEN),
				DATA(digests, 0, ENTRY_FILES_MAX *SHA256_LEN),
				DATA(signature, 0, SIGNATURE_MAX) } },
	[ENTRY_VOID] = { "void", { ISSUANCE, REASON, BY, NUMBER(rekeyed, 0, 1) } },
	[ENTRY_REVOKED] = { "revoked", { ISSUANCE, REASON, BY } },
	[ENTRY_ALARM] = { "alarm",
			  { NUMBER(kind, 1, UINT8_MAX), TEXT(unit, 0, NAME_MAX_LEN),
			    TEXT(other_unit, 0, NAME_MAX_LEN), DATA(key_sha256, 0, SHA256_LEN),
			    NEST, OPERATOR, TEXT(text, 1, ALARM_TEXT_MAX_LEN) } },
	[ENTRY_VERIFICATION] = { "verification", { TEXT(code, 1, CODE_MAX_LEN), CERTIFICATE, BY } },
	[ENTRY_CRL] = { "crl", { HASH(ca_id), NUMBER(crl_number, 1, INT64_MAX), HASH(sha256) } },
	[ENTRY_TIME_ACCEPTED] = { "time-accepted", { REASON, BY } },
	[ENTRY_RESTORED] = { "restored", { TEXT(head, 0, HEAD_LINE_MAX), REASON, BY } },
};

static bool is_type(uint64_t type)
{
	return type > 0 && type < ENTRY_TYPE_COUNT;
}

const char *entry_type_name(enum entry_type type)
{
	return is_type(type) ? layouts[type].name : "?";
}

static struct bytes *string_at(const struct entry *entry, const struct field *field)
{
	return (struct bytes *)((uintptr_t)entry + field->offset);
}

static uint64_t *number_at(const struct entry *entry, const struct field *field)
{
	return (uint64_t *)((uintptr_t)entry + field->offset);
}

static size_t field_count(const struct layout *layout)
{
	size_t count = 0;

	while (layout->fields[count].name)
		count++;
	return count;
}

static bool check_field(const struct entry *entry, const struct field *field, struct err *e)
{
	uint64_t size = field->kind == FIELD_NUMBER ? *number_at(entry, field)
						    : string_at(entry, field)->len;

	if (size < field->min || size > field->max)
		return err_set(
			e, ERR_INVALID,
			"the field %s of a ledger entry \"%s\" must be %llu to %llu%s, not %llu",
			field->name, entry_type_name(entry->type), (unsigned long long)field->min,
			(unsigned long long)field->max,
			field->kind == FIELD_NUMBER ? "" : " bytes long", (unsigned long long)size);
	if (field->kind == FIELD_TEXT &&
	    !text_is_clean(*string_at(entry, field), field->offset == offsetof(struct entry, list)))
		return err_set(
			e, ERR_INVALID,
			"the field %s of a ledger entry \"%s\" is not UTF-8 text without control "
			"characters",
			field->name, entry_type_name(entry->type));
	return true;
}

static bool check(const struct entry *entry, struct err *e)
{
	if (!is_type(entry->type))
		return err_set(e, ERR_INVALID, "a ledger entry has no type %d", (int)entry->type);
	if (entry->epoch < 1 || entry->number < 1 || entry->number > INT64_MAX ||
	    entry->time_s < 0 || entry->time_s > ENTRY_TIME_MAX)
		return err_set(e, ERR_INVALID,
			       "epoch, number or time of a ledger entry is out of range");
	for (const struct field *f = layouts[entry->type].fields; f->name; f++)
		if (!check_field(entry, f, e))
			return false;
	return true;
}

static void put_field(struct cbor_writer *w, const struct entry *entry, const struct field *field)
{
	switch (field->kind) {
	case FIELD_TEXT:
		cbor_put_text(w, *string_at(entry, field));
		break;
	case FIELD_BYTES:
		cbor_put_bytes(w, *string_at(entry, field));
		break;
	case FIELD_NUMBER:
		cbor_put_unsigned(w, *number_at(entry, field));
		break;
	}
}

bool entry_encode(const struct entry *entry, uint8_t *data, size_t size, size_t *ret_len,
		  struct err *e)
{
	struct cbor_writer w = { .data = data, .size = size };

	if (!check(entry, e))
		return false;
	cbor_put_array(&w, FRAME_ITEMS + field_count(&layouts[entry->type]));
	cbor_put_unsigned(&w, ENTRY_VERSION);
	cbor_put_bytes(&w, BYTES(entry->ledger_id));
	cbor_put_unsigned(&w, entry->epoch);
	cbor_put_unsigned(&w, entry->number);
	cbor_put_unsigned(&w, (uint64_t)entry->time_s);
	cbor_put_unsigned(&w, entry->type);
	for (const struct field *f = layouts[entry->type].fields; f->name; f++)
		put_field(&w, entry, f);
	if (w.overflow)
		return err_set(e, ERR_INVALID, "a ledger entry \"%s\" is longer than %zu bytes",
			       entry_type_name(entry->type), size);
	*ret_len = w.len;
	return true;
}

/* The bytes of the shortest head that holds a value. */
static size_t head_len(uint64_t value)
{
	return value < 24	     ? 1
	       : value <= UINT8_MAX  ? 2
	       : value <= UINT16_MAX ? 3
	       : value <= UINT32_MAX ? 5
				     : 9;
}

/* What encode would need. An array whose items are all definite, and which is no longer than that,
 * has only shortest heads: it is what encode writes. */
static size_t encoded_len(const struct entry *entry)
{
	const struct layout *layout = &layouts[entry->type];
	size_t len = head_len(FRAME_ITEMS + field_count(layout)) + head_len(ENTRY_VERSION) +
		     head_len(LEDGER_ID_LEN) + LEDGER_ID_LEN + head_len(entry->epoch) +
		     head_len(entry->number) + head_len((uint64_t)entry->time_s) +
		     head_len(entry->type);

	for (const struct field *f = layout->fields; f->name; f++) {
		if (f->kind == FIELD_NUMBER)
			len += head_len(*number_at(entry, f));
		else
			len += head_len(string_at(entry, f)->len) + string_at(entry, f)->len;
	}
	return len;
}

static bool malformed(struct err *e)
{
	return err_set(e, ERR_INVALID, "a ledger entry is not in the format of version %d",
		       ENTRY_VERSION);
}

/* Everything before the fields; false if the count of items is not the type's. */
static bool read_frame(struct cbor_reader *r, struct entry *entry)
{
	struct cbor_item array = cbor_next(r);
	bool ours = array.type == CBOR_ARRAY && cbor_want_unsigned(r) == ENTRY_VERSION;
	struct bytes id = cbor_want_string(r, CBOR_BYTES, LEDGER_ID_LEN);
	uint64_t epoch = cbor_want_unsigned(r);
	uint64_t time_s, type;

	entry->number = cbor_want_unsigned(r);
	time_s = cbor_want_unsigned(r);
	type = cbor_want_unsigned(r);
	if (!ours || !cbor_ok(r) || id.len != LEDGER_ID_LEN || epoch > UINT32_MAX ||
	    time_s > ENTRY_TIME_MAX || !is_type(type) ||
	    array.value != FRAME_ITEMS + field_count(&layouts[type]))
		return false;
	memcpy(entry->ledger_id, id.data, LEDGER_ID_LEN);
	entry->epoch = (uint32_t)epoch;
	entry->time_s = (int64_t)time_s;
	entry->type = (enum entry_type)type;
	return true;
}

static void read_field(struct cbor_reader *r, struct entry *entry, const struct field *field)
{
	if (field->kind == FIELD_NUMBER)
		*number_at(entry, field) = cbor_want_unsigned(r);
	else
		*string_at(entry, field) = cbor_want_string(
			r, field->kind == FIELD_TEXT ? CBOR_TEXT : CBOR_BYTES, field->max);
}

bool entry_decode(struct bytes data, struct entry *ret_entry, struct err *e)
{
	struct cbor_reader r = cbor_reader_start(data);
	struct entry entry = { 0 };

	if (data.len > ENTRY_MAX || !read_frame(&r, &entry))
		return malformed(e);
	for (const struct field *f = layouts[entry.type].fields; f->name; f++)
		read_field(&r, &entry, f);
	cbor_leave(&r);
	if (!cbor_at_end(&r) || encoded_len(&entry) != data.len)
		return malformed(e);
	if (!check(&entry, e))
		return false;
	*ret_entry = entry;
	return true;
}

void entry_fields(const struct entry *entry,
		  void (*field)(void *context, const char *name, enum entry_field_kind kind,
				struct bytes value, uint64_t number),
		  void *context)
{
	if (!is_type(entry->type))
		return;
	for (const struct field *f = layouts[entry->type].fields; f->name; f++) {
		if (f->kind == FIELD_NUMBER)
			field(context, f->name, f->kind, bytes_of("", 0), *number_at(entry, f));
		else
			field(context, f->name, f->kind, *string_at(entry, f), 0);
	}
}
