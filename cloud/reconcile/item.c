#include "cloud/reconcile/item.h"

#include "base/hex.h"
#include "cloud/aws/iso.h"

#include <stdlib.h>

#define NUMBER_MAX 40 /* characters of a time */
#define TIME_MAX_S 253402300799.0

static const char *const fields[ITEM_COUNT] = {
	[ITEM_ID] = "certificateId",
	[ITEM_ARN] = "certificateArn",
	[ITEM_STATUS] = "status",
	[ITEM_CREATED] = "creationDate",
	[ITEM_AUTO] = "autoRegistrationStatus",
};

static bool is(struct bytes text, const char *wanted)
{
	return bytes_equal(text, bytes_text(wanted));
}

static bool copy_id(struct bytes text, char ret_id[static 2 * SHA256_LEN + 1])
{
	if (text.len != 2 * SHA256_LEN)
		return false;
	memcpy(ret_id, text.data, text.len);
	ret_id[text.len] = '\0';
	return true;
}

/* arn:aws:iot:REGION:ACCOUNT:cert/ID, or cacert/ID. */
static bool read_arn(struct item *item, struct bytes text, struct err *e)
{
	static const char certificate[] = ":cert/", ca[] = ":cacert/";
	const uint8_t *slash = memrchr(text.data, '/', text.len);
	size_t len = slash ? (size_t)(slash + 1 - text.data) : 0;

	item->arn_of_ca = len >= strlen(ca) && !memcmp(slash + 1 - strlen(ca), ca, strlen(ca));
	if (!item->arn_of_ca &&
	    (len < strlen(certificate) ||
	     memcmp(slash + 1 - strlen(certificate), certificate, strlen(certificate))))
		return err_set(e, ERR_INVALID, "its certificateArn is not that of a certificate");
	return copy_id(bytes_of(slash + 1, text.len - len), item->arn_id_text) ||
	       err_set(e, ERR_INVALID, "its certificateArn does not end with a certificate's id");
}

static bool read_status(struct item *item, struct bytes text, struct err *e)
{
	if (iot_status_of((const char *)text.data, text.len, &item->status))
		return true;
	return err_set(e, ERR_INVALID, "its status is none that AWS IoT is known to have");
}

static bool read_auto(struct item *item, struct bytes text, struct err *e)
{
	item->auto_registration = is(text, "ENABLE");
	return item->auto_registration || is(text, "DISABLE") ||
	       err_set(e, ERR_INVALID, "its autoRegistrationStatus is neither ENABLE nor DISABLE");
}

static bool wrong_id(struct err *e)
{
	return err_set(e, ERR_INVALID, "its certificateId is not 64 hexadecimal digits");
}

static bool wrong_time(struct err *e)
{
	return err_set(e, ERR_INVALID, "its creationDate is no time that the aws command prints");
}

static bool read_time(struct item *item, struct bytes text, bool number, struct err *e)
{
	char copy[NUMBER_MAX + 1] = "";
	double seconds;
	bool zoned;

	if (text.len > NUMBER_MAX)
		return wrong_time(e);
	memcpy(copy, text.data, text.len);
	if (!number)
		return iso_read(copy, &item->created_s, &zoned) || wrong_time(e);
	seconds = strtod(copy, NULL);
	if (!(seconds >= 0 && seconds <= TIME_MAX_S))
		return wrong_time(e);
	item->created_s = (int64_t)seconds;
	return true;
}

static bool read_value(struct item *item, enum item_field field, struct bytes text, struct err *e)
{
	switch (field) {
	case ITEM_ID:
		return copy_id(text, item->id_text) || wrong_id(e);
	case ITEM_ARN:
		return read_arn(item, text, e);
	case ITEM_STATUS:
		return read_status(item, text, e);
	case ITEM_AUTO:
		return read_auto(item, text, e);
	default:
		return read_time(item, text, false, e);
	}
}

static bool read_field(struct pull *p, struct item *item, enum item_field field, struct err *e)
{
	enum pull_token token;

	if (!pull_next(p, &token, e))
		return false;
	if (field == ITEM_COUNT || (field == ITEM_CREATED && token == PULL_NULL))
		return pull_skip(p, token, e);
	if (item->has[field])
		return err_set(e, ERR_INVALID, "it has two members %s", fields[field]);
	item->has[field] = true;
	if (field == ITEM_CREATED && token == PULL_NUMBER)
		return read_time(item, p->text, true, e);
	if (token != PULL_STRING)
		return err_set(e, ERR_INVALID, "its %s is no text", fields[field]);
	return read_value(item, field, p->text, e);
}

static enum item_field field_of(struct bytes name)
{
	enum item_field field = 0;

	while (field < ITEM_COUNT && !is(name, fields[field]))
		field++;
	return field;
}

bool item_read(struct pull *p, struct item *ret_item, struct err *e)
{
	struct item item = { 0 };
	enum pull_token token;

	for (;;) {
		if (!pull_next(p, &token, e))
			return false;
		if (token == PULL_OBJECT_END)
			break;
		if (!read_field(p, &item, field_of(p->text), e))
			return false;
	}
	for (enum item_field field = ITEM_ID; field <= ITEM_STATUS; field++)
		if (!item.has[field] && field != ITEM_ARN)
			return err_set(e, ERR_INVALID, "it has no %s", fields[field]);
	if (item.has[ITEM_ARN] && strcmp(item.id_text, item.arn_id_text))
		return err_set(e, ERR_INVALID, "its certificateId and its certificateArn differ");
	if (!hex_decode(item.id_text, item.id, SHA256_LEN))
		return wrong_id(e);
	*ret_item = item;
	return true;
}
