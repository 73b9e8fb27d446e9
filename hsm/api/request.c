#include "hsm/api/request.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/place.h"
#include "base/socket.h"

#include <stddef.h>

#define REQ_TEXT(name) FIELD_TEXT_OF(request, name)
#define REQ_NUMBER(name) FIELD_NUMBER_OF(request, name)
#define REQ_HASH(name) FIELD_HASH_OF(request, name)
#define REQ_BLOB(name, limit) FIELD_BLOB_OF(request, name, limit)

static const struct field f_order = REQ_TEXT(order), f_unit = REQ_TEXT(unit),
			  f_product = REQ_TEXT(product), f_nest = REQ_TEXT(nest),
			  f_operator = REQ_TEXT(operator), f_reason = REQ_TEXT(reason),
			  f_pattern = REQ_TEXT(pattern), f_code = REQ_TEXT(code),
			  f_after_text = REQ_TEXT(after_text), f_source = REQ_NUMBER(source),
			  f_evidence = REQ_NUMBER(evidence), f_units = REQ_NUMBER(units),
			  f_quantity = REQ_NUMBER(quantity), f_after = REQ_NUMBER(after),
			  f_until = REQ_NUMBER(until), f_since = REQ_NUMBER(since),
			  f_certificate_id = REQ_HASH(certificate_id), f_nonce = REQ_HASH(nonce),
			  f_csr = REQ_BLOB(csr, REQUEST_CSR_MAX),
			  f_list = REQ_BLOB(list, REQUEST_LIST_MAX),
			  f_signature = REQ_BLOB(signature, 600);

#define FIELDS_MAX 8 /* with the NULL at the end */
#define STATION ROLE_STATION
#define SUPERVISOR ROLE_SUPERVISOR
#define ANYBODY (ROLE_STATION | ROLE_SUPERVISOR | ROLE_READER)

/* The permission table: request, who may, and its fields in order. */
static const struct {
	const char *name;
	unsigned roles;
	const struct field *fields[FIELDS_MAX];
} shapes[REQUEST_TYPE_COUNT] = {
	[REQUEST_STATUS] = { "status", ANYBODY, { 0 } },
	[REQUEST_ISSUE] = { "issue",
			    STATION | SUPERVISOR,
			    { &f_order, &f_unit, &f_source, &f_nest, &f_operator, &f_csr } },
	[REQUEST_INSTALLED] = { "installed",
				STATION,
				{ &f_certificate_id, &f_unit, &f_nest, &f_operator, &f_evidence,
				  &f_nonce, &f_signature } },
	[REQUEST_ORDER_OPEN] = { "order open",
				 SUPERVISOR,
				 { &f_order, &f_product, &f_quantity, &f_until, &f_units,
				   &f_pattern, &f_list } },
	[REQUEST_ORDER_UNITS] = { "order units", SUPERVISOR, { &f_order, &f_list } },
	[REQUEST_ORDER_QUANTITY] = { "order quantity", SUPERVISOR, { &f_order, &f_quantity } },
	[REQUEST_ORDER_USE] = { "order use", SUPERVISOR, { &f_order } },
	[REQUEST_ORDER_CLOSE] = { "order close", SUPERVISOR, { &f_order } },
	[REQUEST_ORDERS] = { "orders", ANYBODY, { &f_after_text, &f_order } },
	[REQUEST_VOID] = { "void", SUPERVISOR, { &f_unit, &f_reason } },
	[REQUEST_REVOKE] = { "revoke", SUPERVISOR, { &f_unit, &f_certificate_id, &f_reason } },
	[REQUEST_ISSUANCES] = { "issuances", ANYBODY, { &f_after, &f_order, &f_unit, &f_since } },
	[REQUEST_FIND] = { "find", ANYBODY, { &f_after_text } },
	[REQUEST_CERTIFICATE] = { "certificate", ANYBODY, { &f_certificate_id } },
	[REQUEST_ENTRIES] = { "entries", SUPERVISOR | ROLE_READER, { &f_after } },
	[REQUEST_HEAD] = { "head", ANYBODY, { 0 } },
	[REQUEST_CA] = { "ca", ANYBODY, { 0 } },
	[REQUEST_CRL] = { "crl", SUPERVISOR | ROLE_READER, { 0 } },
	[REQUEST_BACKUP] = { "backup", SUPERVISOR, { 0 } },
	[REQUEST_VERIFICATION_CERT] = { "verification-cert", SUPERVISOR, { &f_code } },
	[REQUEST_ACCEPT_TIME] = { "accept-time", SUPERVISOR, { &f_reason } },
};

#define STATUS_TEXT(name) FIELD_TEXT_OF(reply, status.name)
#define STATUS_NUMBER(name) FIELD_NUMBER_OF(reply, status.name)

static const struct field r_code = FIELD_NUMBER_OF(reply, code),
			  r_text = FIELD_TEXT_OF(reply, text),
			  r_more = FIELD_NUMBER_OF(reply, more),
			  r_rows = FIELD_BLOB_OF(reply, rows, REPLY_ROWS_MAX),
			  r_again = FIELD_NUMBER_OF(reply, again),
			  r_nonce = FIELD_HASH_OF(reply, nonce), s_station = STATUS_TEXT(station),
			  s_subject = STATUS_TEXT(ca_subject), s_order = STATUS_TEXT(order),
			  s_product = STATUS_TEXT(product), s_trouble = STATUS_TEXT(trouble),
			  s_ends = FIELD_NUMBER_OF(reply, status.ca_ends),
			  s_entries = STATUS_NUMBER(entries), s_quantity = STATUS_NUMBER(quantity),
			  s_used = STATUS_NUMBER(used), s_token = STATUS_NUMBER(token_ok),
			  s_disk = STATUS_NUMBER(disk_free_mb),
			  s_training = STATUS_NUMBER(training),
			  s_signing = STATUS_NUMBER(signing_s);

#define REPLY_FIELDS_MAX 14 /* with the NULL at the end */

static const struct field *const reply_shapes[REPLY_TYPE_END - REPLY_DONE][REPLY_FIELDS_MAX] = {
	[REPLY_DONE - REPLY_DONE] = { &r_text },
	[REPLY_REFUSED - REPLY_DONE] = { &r_code, &r_text },
	[REPLY_ISSUED - REPLY_DONE] = { &r_again, &r_nonce }, /* issuance and files follow */
	[REPLY_ROWS - REPLY_DONE] = { &r_more, &r_rows },
	[REPLY_BLOB - REPLY_DONE] = { &r_rows },
	[REPLY_HEAD - REPLY_DONE] = { &r_rows },
	[REPLY_CA - REPLY_DONE] = { &r_text, &r_rows },
	[REPLY_STATUS - REPLY_DONE] = { &s_station, &s_subject, &s_order, &s_product, &s_trouble,
					&s_ends, &s_entries, &s_quantity, &s_used, &s_token,
					&s_disk, &s_training, &s_signing },
};

static bool is_request(unsigned type)
{
	return type > 0 && type < REQUEST_TYPE_COUNT;
}

const char *request_name(enum request_type type)
{
	return is_request(type) ? shapes[type].name : "?";
}

unsigned request_roles(enum request_type type)
{
	return is_request(type) ? shapes[type].roles : 0;
}

bool request_encode(const struct request *request, uint8_t *record, size_t *ret_len)
{
	struct writer w = writer_start(record, MESSAGE_MAX, (uint8_t)request->type);

	field_write_list(&w, shapes[request->type].fields, request);
	*ret_len = w.len;
	return writer_ok(&w);
}

bool request_decode(struct bytes record, struct request *ret_request)
{
	uint8_t type;
	struct reader r = reader_start(record, &type);

	if (!is_request(type))
		return false;
	*ret_request = (struct request) { .type = type };
	field_read_list(&r, shapes[type].fields, ret_request);
	return reader_end(&r);
}

static void write_issued(struct writer *w, const struct reply *reply)
{
	issuance_write(w, &reply->issuance);
	write_u8(w, (uint8_t)reply->file_count);
	for (size_t i = 0; i < reply->file_count; i++) {
		write_text(w, reply->files[i].name);
		write_bytes(w, reply->files[i].content);
		write_raw(w, reply->files[i].sha256, SHA256_LEN);
	}
}

static void read_issued(struct reader *r, struct reply *reply)
{
	issuance_read(r, &reply->issuance);
	reply->file_count = read_u8(r);
	if (reply->file_count > REPLY_FILES_MAX)
		r->bad = true;
	for (size_t i = 0; !r->bad && i < reply->file_count; i++) {
		read_text(r, reply->files[i].name, sizeof(reply->files[i].name));
		reply->files[i].content = read_bytes(r, MESSAGE_MAX);
		read_raw(r, reply->files[i].sha256, SHA256_LEN);
	}
}

bool reply_encode(const struct reply *reply, uint8_t *record, size_t *ret_len)
{
	return reply_encode_into(reply, record, MESSAGE_MAX, ret_len);
}

bool reply_encode_into(const struct reply *reply, uint8_t *record, size_t size, size_t *ret_len)
{
	struct writer w = writer_start(record, size, (uint8_t)reply->type);

	field_write_list(&w, reply_shapes[reply->type - REPLY_DONE], reply);
	if (reply->type == REPLY_ISSUED)
		write_issued(&w, reply);
	*ret_len = w.len;
	return writer_ok(&w);
}

bool reply_decode(struct bytes record, struct reply *ret_reply)
{
	uint8_t type;
	struct reader r = reader_start(record, &type);

	if (type < REPLY_DONE || type >= REPLY_TYPE_END)
		return false;
	memset(ret_reply, 0, sizeof(*ret_reply));
	ret_reply->type = type;
	field_read_list(&r, reply_shapes[type - REPLY_DONE], ret_reply);
	if (type == REPLY_ISSUED)
		read_issued(&r, ret_reply);
	return reader_end(&r);
}

bool signer_connect(int *ret_fd, struct err *e)
{
	AUTO(fd) dir = -1;

	if (place_open(PLACE_RUN_SIGNER, false, &dir, e) &&
	    socket_connect(dir, SIGNER_SOCKET, ret_fd, e))
		return true;
	if (e->code == ERR_REFUSED)
		return err_set(e, ERR_REFUSED,
			       "the signer hears only members of the group imprint; as root: "
			       "adduser NAME imprint, and log in again");
	return err_add(e, "the signer does not run; start imprint-signer");
}

bool signer_call(int fd, const struct request *request, int pass_fd, uint8_t *record,
		 struct reply *ret_reply, int64_t deadline, int cancel_fd, struct err *e)
{
	size_t len;

	if (!request_encode(request, record, &len))
		return err_set(e, ERR_INVALID, "the request %s is too long for one record",
			       request_name(request->type));
	if (!socket_send(fd, bytes_of(record, len), pass_fd, deadline, cancel_fd, e) ||
	    !socket_receive(fd, record, &len, NULL, deadline, cancel_fd, e))
		return err_add(e, "asking the signer (%s)", request_name(request->type));
	if (!reply_decode(bytes_of(record, len), ret_reply))
		return err_set(e, ERR_INVALID, "the signer's answer to %s makes no sense",
			       request_name(request->type));
	if (ret_reply->type == REPLY_REFUSED)
		return err_set(e, (int)ret_reply->code, "%s", ret_reply->text);
	return true;
}
