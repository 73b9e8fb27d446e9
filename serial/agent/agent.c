#include "serial/agent/agent.h"

#include "base/cbor.h"

#define PIECE_OVERHEAD 40 /* what an answer with a piece of data needs beside it */

/* A handler reads the request's map and writes the answer's; 0 or an SMP error code. */
typedef enum smp_rc (*handler)(struct agent *a, const struct cbor_reader *map,
			       struct cbor_writer *w);

static struct bytes find_bytes(const struct cbor_reader *map, const char *key, enum cbor_type type)
{
	static const struct bytes none = { NULL, 0 };
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);

	return found ? cbor_want_string(&r, type, AGENT_MESSAGE_MAX) : none;
}

static bool find_number(const struct cbor_reader *map, const char *key, uint32_t *ret_number)
{
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);
	uint64_t number = found ? cbor_want_unsigned(&r) : 0;

	*ret_number = (uint32_t)number;
	return found && cbor_ok(&r) && number <= UINT32_MAX;
}

static bool find_flag(const struct cbor_reader *map, const char *key)
{
	bool found;
	struct cbor_reader r = cbor_find(map, key, &found);
	struct cbor_item item;

	if (!found)
		return false;
	item = cbor_next(&r);
	return item.type == CBOR_BOOL && item.value;
}

static void put_number(struct cbor_writer *w, const char *key, uint64_t number)
{
	cbor_put_key(w, key);
	cbor_put_unsigned(w, number);
}

static void put_text(struct cbor_writer *w, const char *key, const char *text)
{
	cbor_put_key(w, key);
	cbor_put_key(w, text ? text : "");
}

static void put_bytes(struct cbor_writer *w, const char *key, const uint8_t *data, size_t len)
{
	cbor_put_key(w, key);
	cbor_put_bytes(w, bytes_of(data, len));
}

static struct bytes unit_of(const struct agent *a, char text[AGENT_UNIT_MAX])
{
	size_t len = a->port->unit(a->port->context, text);

	return bytes_of(text, len < AGENT_UNIT_MAX ? len : AGENT_UNIT_MAX);
}

/* What does not change while the board runs. */
static void put_nature(struct agent *a, struct cbor_writer *w)
{
	const struct agent_port *port = a->port;

	if (port->hardware)
		put_text(w, "hardware", port->hardware);
	if (port->firmware)
		put_text(w, "firmware", port->firmware);
	put_number(w, "buf_size", AGENT_MESSAGE_MAX + FRAME_OVERHEAD);
}

static enum smp_rc identify(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	const struct agent_port *port = a->port;
	unsigned nature = 2u + (port->hardware != NULL) + (port->firmware != NULL);
	bool brief = find_flag(map, "short");
	char text[AGENT_UNIT_MAX];
	struct bytes unit = unit_of(a, text);

	cbor_put_map(w, 1u + (unit.len > 0) + (brief ? 0 : nature));
	if (unit.len > 0) {
		cbor_put_key(w, "unit");
		cbor_put_text(w, unit);
	}
	put_bytes(w, "boot", a->boot, sizeof(a->boot));
	if (brief)
		return SMP_OK;
	put_nature(a, w);
	cbor_put_key(w, "committed");
	cbor_put_bool(w, store_committed(port));
	return SMP_OK;
}

static enum smp_rc make_csr(struct agent *a)
{
	char text[AGENT_UNIT_MAX];
	uint8_t key[AGENT_KEY_MAX];
	size_t len;
	enum smp_rc rc = store_key(a->port, true, key, &len);

	if (rc != SMP_OK)
		return rc;
	a->csr_len = request_make(a->port, bytes_of(key, len), unit_of(a, text), a->csr);
	return a->csr_len ? SMP_OK : SMP_UNKNOWN;
}

/* As much of `len` bytes from `offset` on as an answer holds. */
static size_t piece_len(uint32_t offset, size_t len)
{
	size_t room = AGENT_MESSAGE_MAX - SMP_HEADER_SIZE - PIECE_OVERHEAD;

	return len - offset < room ? len - offset : room;
}

/* A signature is another one each time, so that the pieces of one CSR must not be of two. */
static enum smp_rc csr(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	uint32_t offset;

	if (!find_number(map, "off", &offset))
		return SMP_INVALID;
	if (a->csr_len == 0) {
		enum smp_rc rc = offset == 0 ? make_csr(a) : SMP_BAD_STATE;

		if (rc != SMP_OK)
			return rc;
	}
	if (offset > a->csr_len)
		return SMP_INVALID;
	cbor_put_map(w, 3);
	put_number(w, "off", offset);
	put_number(w, "len", a->csr_len);
	put_bytes(w, "data", a->csr + offset, piece_len(offset, a->csr_len));
	return SMP_OK;
}

static enum smp_rc write_file(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	struct bytes name = find_bytes(map, "file", CBOR_TEXT);
	struct bytes data = find_bytes(map, "data", CBOR_BYTES);
	uint32_t offset, len = 0;
	enum smp_rc rc;

	if (!find_number(map, "off", &offset) || (offset == 0 && !find_number(map, "len", &len)))
		return SMP_INVALID;
	rc = store_write(a->port, &a->session, name, offset, len, data);
	if (rc != SMP_OK)
		return rc;
	cbor_put_map(w, 1);
	put_number(w, "off", a->session.at);
	return SMP_OK;
}

static enum smp_rc digest(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	uint8_t hash[AGENT_HASH_SIZE];
	struct store_file file;
	enum smp_rc rc = store_find(a->port, find_bytes(map, "file", CBOR_TEXT), &file);

	if (rc == SMP_OK)
		rc = store_hash(a->port, &file, hash);
	if (rc != SMP_OK)
		return rc;
	cbor_put_map(w, 2);
	put_number(w, "len", file.len);
	put_bytes(w, "sha256", hash, sizeof(hash));
	return SMP_OK;
}

static enum smp_rc read_file(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	struct store_file file;
	uint32_t offset;
	uint8_t *data;
	size_t len;
	enum smp_rc rc = store_find(a->port, find_bytes(map, "file", CBOR_TEXT), &file);

	if (rc != SMP_OK)
		return rc;
	if (!find_number(map, "off", &offset) || offset > file.len)
		return SMP_INVALID;
	len = piece_len(offset, file.len);
	cbor_put_map(w, 3);
	put_number(w, "off", offset);
	put_number(w, "len", file.len);
	/* Read into the request's buffer, which nobody needs any more, and copied by the writer. */
	data = a->request;
	rc = store_read(a->port, &file, offset, data, len);
	if (rc != SMP_OK)
		return rc;
	put_bytes(w, "data", data, len);
	return SMP_OK;
}

struct challenge {
	struct bytes nonce, certificate;
	size_t count;
	uint8_t hashes[AGENT_FILES_MAX][AGENT_HASH_SIZE];
};

static enum smp_rc hash_files(struct agent *a, const struct cbor_reader *map, struct challenge *c)
{
	bool found;
	struct cbor_reader r = cbor_find(map, "files", &found);
	struct cbor_item name;

	if (!found)
		return SMP_INVALID;
	cbor_want(&r, CBOR_ARRAY);
	while ((name = cbor_next(&r)).type == CBOR_TEXT) {
		struct store_file file;
		enum smp_rc rc = store_find(a->port, name.string, &file);

		if (rc == SMP_OK && c->count == AGENT_FILES_MAX)
			rc = SMP_INVALID;
		if (rc == SMP_OK)
			rc = store_hash(a->port, &file, c->hashes[c->count++]);
		if (rc != SMP_OK)
			return rc;
	}
	return name.type == CBOR_END && cbor_ok(&r) && c->count > 0 ? SMP_OK : SMP_INVALID;
}

/* The board makes what it signs by itself, from its own unit id and its own flash. The fixed title
 * in front keeps its key from signing anything else. */
static bool sign_proof(struct agent *a, struct bytes key, const struct challenge *c,
		       struct bytes unit, uint8_t ret_raw[AGENT_SIGNATURE_RAW])
{
	static const char title[] = PROV_PROOF_TITLE;
	const struct agent_port *port = a->port;
	uint8_t hash[AGENT_HASH_SIZE];

	port->hash_start(port->context);
	port->hash_add(port->context, (const uint8_t *)title, sizeof(title));
	port->hash_add(port->context, c->nonce.data, c->nonce.len);
	port->hash_add(port->context, c->certificate.data, c->certificate.len);
	port->hash_add(port->context, unit.data, unit.len);
	port->hash_add(port->context, c->hashes[0], c->count * AGENT_HASH_SIZE);
	port->hash_end(port->context, hash);
	return port->key_sign(port->context, key, hash, ret_raw);
}

static enum smp_rc prove(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	struct challenge c = { .nonce = find_bytes(map, "nonce", CBOR_BYTES),
			       .certificate = find_bytes(map, "certificate", CBOR_BYTES) };
	uint8_t key[AGENT_KEY_MAX], raw[AGENT_SIGNATURE_RAW], der[REQUEST_SIGNATURE_MAX];
	char text[AGENT_UNIT_MAX];
	struct bytes unit = unit_of(a, text);
	size_t key_len;
	enum smp_rc rc;

	if (c.nonce.len != AGENT_HASH_SIZE || c.certificate.len != AGENT_HASH_SIZE)
		return SMP_INVALID;
	rc = hash_files(a, map, &c);
	if (rc == SMP_OK)
		rc = store_key(a->port, false, key, &key_len);
	if (rc != SMP_OK)
		return rc;
	if (!sign_proof(a, bytes_of(key, key_len), &c, unit, raw))
		return SMP_UNKNOWN;
	cbor_put_map(w, 2);
	cbor_put_key(w, "unit");
	cbor_put_text(w, unit);
	put_bytes(w, "signature", der, request_signature(raw, der));
	return SMP_OK;
}

static enum smp_rc commit(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	uint8_t key[AGENT_KEY_MAX];
	size_t len;
	enum smp_rc rc = store_key(a->port, false, key, &len);

	(void)map;
	if (rc == SMP_OK)
		rc = store_commit(a->port);
	if (rc == SMP_OK)
		cbor_put_map(w, 0);
	return rc;
}

static enum smp_rc echo(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	(void)a;
	cbor_put_map(w, 1);
	cbor_put_key(w, "r");
	cbor_put_text(w, find_bytes(map, "d", CBOR_TEXT));
	return SMP_OK;
}

static enum smp_rc reset(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	(void)a;
	(void)map;
	cbor_put_map(w, 0);
	return SMP_OK;
}

static enum smp_rc params(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	(void)a;
	(void)map;
	cbor_put_map(w, 2);
	put_number(w, "buf_size", AGENT_MESSAGE_MAX + FRAME_OVERHEAD);
	put_number(w, "buf_count", 1);
	return SMP_OK;
}

/* What the work costs on this board, without its line. */
static enum smp_rc statistics(struct agent *a, const struct cbor_reader *map, struct cbor_writer *w)
{
	static const char name[] = "agent";

	if (!a->port->time_us || !bytes_equal(find_bytes(map, "name", CBOR_TEXT), bytes_text(name)))
		return SMP_NO_ENTRY;
	cbor_put_map(w, 2);
	put_text(w, "name", name);
	cbor_put_key(w, "fields");
	cbor_put_map(w, 2);
	put_number(w, "requests", a->request_count);
	put_number(w, "busy_us", a->busy_us);
	return SMP_OK;
}

static const struct {
	uint16_t group;
	uint8_t command;
	handler handle;
} commands[] = {
	{ PROV_GROUP, PROV_IDENTIFY, identify },       { PROV_GROUP, PROV_CSR, csr },
	{ PROV_GROUP, PROV_WRITE, write_file },	       { PROV_GROUP, PROV_DIGEST, digest },
	{ PROV_GROUP, PROV_READ, read_file },	       { PROV_GROUP, PROV_PROVE, prove },
	{ PROV_GROUP, PROV_COMMIT, commit },	       { SMP_GROUP_OS, SMP_OS_ECHO, echo },
	{ SMP_GROUP_OS, SMP_OS_RESET, reset },	       { SMP_GROUP_OS, SMP_OS_PARAMS, params },
	{ SMP_GROUP_STAT, SMP_STAT_SHOW, statistics },
};

static handler handler_of(const uint8_t *header)
{
	unsigned group = (unsigned)header[4] << 8 | header[5];

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].group == group && commands[i].command == header[7])
			return commands[i].handle;
	return NULL;
}

static enum smp_rc handle(struct agent *a, struct bytes message, struct cbor_writer *w)
{
	struct cbor_reader map = cbor_reader_start(
		bytes_of(message.data + SMP_HEADER_SIZE, message.len - SMP_HEADER_SIZE));
	struct cbor_reader whole = map;
	handler handle_it = handler_of(message.data);

	if (!handle_it)
		return SMP_NOT_SUPPORTED;
	cbor_skip(&whole);
	cbor_want(&map, CBOR_MAP);
	if (!cbor_at_end(&whole) || !cbor_ok(&map))
		return SMP_INVALID;
	return handle_it(a, &map, w);
}

/* SMP itself, and version 1, answer {"rc"}; a group of version 2 answers {"err": {"group", "rc"}}.
 */
static void put_error(const uint8_t *header, enum smp_rc rc, struct cbor_writer *w)
{
	bool group_error = (header[0] >> 3 & 3) != 0 && rc != SMP_NOT_SUPPORTED;

	w->len = 0;
	w->overflow = false;
	cbor_put_map(w, 1);
	if (group_error) {
		cbor_put_key(w, "err");
		cbor_put_map(w, 2);
		put_number(w, "group", (unsigned)header[4] << 8 | header[5]);
	}
	put_number(w, "rc", rc);
}

static void send(struct agent *a, size_t len)
{
	struct frame_encoder encoder = frame_encoder_start(bytes_of(a->answer, len));
	uint8_t line[FRAME_LINE_MAX];
	size_t line_len;

	while ((line_len = frame_encode_line(&encoder, line)) > 0)
		a->port->put(a->port->context, line, line_len);
}

static uint32_t time_us(const struct agent *a)
{
	return a->port->time_us ? a->port->time_us(a->port->context) : 0;
}

static void answer(struct agent *a, struct bytes message)
{
	struct cbor_writer w = { .data = a->answer + SMP_HEADER_SIZE,
				 .size = sizeof(a->answer) - SMP_HEADER_SIZE };
	uint8_t header[SMP_HEADER_SIZE];
	uint32_t began_us = time_us(a);
	enum smp_rc rc;

	memcpy(header, message.data, SMP_HEADER_SIZE);
	if (header[4] == 0 && header[5] == PROV_GROUP)
		a->command = header[7];
	rc = handle(a, message, &w);
	if (w.overflow)
		rc = SMP_TOO_LONG;
	if (rc != SMP_OK)
		put_error(header, rc, &w);
	memcpy(a->answer, header, SMP_HEADER_SIZE);
	a->answer[0] = (uint8_t)(header[0] + 1);
	a->answer[1] = 0;
	a->answer[2] = (uint8_t)(w.len >> 8);
	a->answer[3] = (uint8_t)w.len;
	a->request_count++;
	a->busy_us += time_us(a) - began_us;
	send(a, SMP_HEADER_SIZE + w.len);
	if (rc == SMP_OK && header[4] == 0 && header[5] == SMP_GROUP_OS &&
	    header[7] == SMP_OS_RESET)
		a->port->restart(a->port->context);
}

/* What is no request at all (an answer, an unknown version, a wrong length) gets no answer. */
static bool is_request(struct bytes message)
{
	size_t len;

	if (message.len < SMP_HEADER_SIZE)
		return false;
	len = (size_t)message.data[2] << 8 | message.data[3];
	return (message.data[0] & 0xf5) == 0 && len == message.len - SMP_HEADER_SIZE;
}

bool agent_start(struct agent *agent, const struct agent_port *port)
{
	memset(agent, 0, sizeof(*agent));
	agent->port = port;
	agent->decoder = frame_decoder_start(agent->request, sizeof(agent->request));
	return port->random(port->context, agent->boot, sizeof(agent->boot));
}

void agent_receive(struct agent *agent, uint8_t byte)
{
	struct bytes message;

	if (frame_decode(&agent->decoder, byte, &message) && is_request(message))
		answer(agent, message);
}
