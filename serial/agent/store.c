#include "serial/agent/store.h"

#include "serial/prov.h"

#define CHUNK 64 /* bytes of flash looked at together */
#define KEY_PART (STORE_HEADER_SIZE + AGENT_KEY_MAX)
#define KEY_SIZE (KEY_PART + AGENT_HASH_SIZE)

static const uint8_t file_magic[4] = { 'I', 'M', 'P', 'F' };
static const uint8_t key_magic[4] = { 'I', 'M', 'P', 'K' };
static const uint8_t state_magic[4] = { 'I', 'M', 'P', 'C' };

static void put_header(uint8_t ret_header[STORE_HEADER_SIZE], const uint8_t magic[4], uint32_t len)
{
	memset(ret_header, 0xff, STORE_HEADER_SIZE);
	memcpy(ret_header, magic, 4);
	for (int i = 0; i < 4; i++)
		ret_header[4 + i] = (uint8_t)(len >> (24 - 8 * i));
}

static bool read_header(const uint8_t header[STORE_HEADER_SIZE], const uint8_t magic[4],
			uint32_t *ret_len)
{
	*ret_len = (uint32_t)header[4] << 24 | (uint32_t)header[5] << 16 |
		   (uint32_t)header[6] << 8 | header[7];
	return memcmp(header, magic, 4) == 0;
}

static const struct agent_slot *slot_of(const struct agent_port *port, struct bytes name)
{
	for (size_t i = 0; i < port->slot_count; i++)
		if (bytes_equal(bytes_text(port->slots[i].name), name))
			return &port->slots[i];
	return NULL;
}

/* All but the last few bytes in one go; those are filled up to what flash takes at once. */
static bool program(const struct agent_port *port, uint32_t address, struct bytes data)
{
	uint8_t last[PROV_ALIGN];
	size_t rest = data.len % PROV_ALIGN, whole = data.len - rest;

	if (whole && !port->flash_program(port->context, address, data.data, whole))
		return false;
	if (rest == 0)
		return true;
	memset(last, 0xff, sizeof(last));
	memcpy(last, data.data + whole, rest);
	return port->flash_program(port->context, address + (uint32_t)whole, last, sizeof(last));
}

static bool flash_holds(const struct agent_port *port, uint32_t address, struct bytes data)
{
	uint8_t chunk[CHUNK];

	for (size_t at = 0; at < data.len; at += sizeof(chunk)) {
		size_t len = data.len - at < sizeof(chunk) ? data.len - at : sizeof(chunk);

		if (!port->flash_read(port->context, address + (uint32_t)at, chunk, len) ||
		    memcmp(chunk, data.data + at, len) != 0)
			return false;
	}
	return true;
}

/* The first piece came again because its answer was lost: to erase once more would be a waste. */
static bool is_repeated(const struct agent_port *port, const struct store_session *session,
			const struct agent_slot *slot, uint32_t len, struct bytes data)
{
	return session->slot == slot && session->len == len && session->at == data.len &&
	       flash_holds(port, slot->address + STORE_HEADER_SIZE, data);
}

/* The pages that header and file need. */
static uint32_t pages_len(const struct agent_port *port, uint32_t len)
{
	uint32_t pages = (STORE_HEADER_SIZE + len + port->page_size - 1) / port->page_size;

	return pages * port->page_size;
}

static enum smp_rc begin(const struct agent_port *port, struct store_session *session,
			 const struct agent_slot *slot, uint32_t len)
{
	session->slot = NULL;
	if (len == 0)
		return SMP_INVALID;
	if (slot->size < STORE_HEADER_SIZE + PROV_ALIGN ||
	    len > slot->size - STORE_HEADER_SIZE - (PROV_ALIGN - 1))
		return SMP_TOO_LONG;
	if (store_committed(port) &&
	    !port->flash_erase(port->context, port->state_address, port->page_size))
		return SMP_CORRUPT;
	if (!port->flash_erase(port->context, slot->address, pages_len(port, len)))
		return SMP_CORRUPT;
	session->slot = slot;
	session->len = len;
	session->at = 0;
	return SMP_OK;
}

static enum smp_rc add(const struct agent_port *port, struct store_session *session,
		       struct bytes data)
{
	uint32_t address = session->slot->address;
	uint8_t header[STORE_HEADER_SIZE];

	if (data.len == 0 || data.len > session->len - session->at ||
	    (data.len % PROV_ALIGN != 0 && session->at + data.len != session->len))
		return SMP_INVALID;
	if (!program(port, address + STORE_HEADER_SIZE + session->at, data))
		return SMP_CORRUPT;
	if (session->at + data.len == session->len) {
		put_header(header, file_magic, session->len);
		if (!program(port, address, BYTES(header)))
			return SMP_CORRUPT;
	}
	session->at += (uint32_t)data.len;
	return SMP_OK;
}

enum smp_rc store_write(const struct agent_port *port, struct store_session *session,
			struct bytes name, uint32_t offset, uint32_t len, struct bytes data)
{
	const struct agent_slot *slot = slot_of(port, name);
	enum smp_rc rc;

	if (!slot)
		return SMP_NO_ENTRY;
	if (offset == 0) {
		if (is_repeated(port, session, slot, len, data))
			return SMP_OK;
		rc = begin(port, session, slot, len);
		if (rc != SMP_OK)
			return rc;
	}
	if (session->slot != slot)
		return SMP_BAD_STATE;
	if (offset != session->at)
		return SMP_OK; /* the answer says where to go on */
	rc = add(port, session, data);
	if (rc != SMP_OK)
		session->slot = NULL;
	return rc;
}

enum smp_rc store_find(const struct agent_port *port, struct bytes name,
		       struct store_file *ret_file)
{
	const struct agent_slot *slot = slot_of(port, name);
	uint8_t header[STORE_HEADER_SIZE];

	if (!slot)
		return SMP_NO_ENTRY;
	if (!port->flash_read(port->context, slot->address, header, sizeof(header)))
		return SMP_CORRUPT;
	if (!read_header(header, file_magic, &ret_file->len) ||
	    ret_file->len > slot->size - STORE_HEADER_SIZE)
		return SMP_NO_ENTRY;
	ret_file->slot = slot;
	return SMP_OK;
}

enum smp_rc store_read(const struct agent_port *port, const struct store_file *file,
		       uint32_t offset, uint8_t *ret_data, size_t len)
{
	uint32_t address = file->slot->address + STORE_HEADER_SIZE + offset;

	if (offset > file->len || len > file->len - offset)
		return SMP_INVALID;
	return port->flash_read(port->context, address, ret_data, len) ? SMP_OK : SMP_CORRUPT;
}

enum smp_rc store_hash(const struct agent_port *port, const struct store_file *file,
		       uint8_t ret_hash[AGENT_HASH_SIZE])
{
	uint8_t chunk[CHUNK];

	port->hash_start(port->context);
	for (uint32_t at = 0; at < file->len; at += sizeof(chunk)) {
		size_t len = file->len - at < sizeof(chunk) ? file->len - at : sizeof(chunk);
		enum smp_rc rc = store_read(port, file, at, chunk, len);

		if (rc != SMP_OK)
			return rc;
		port->hash_add(port->context, chunk, len);
	}
	port->hash_end(port->context, ret_hash);
	return SMP_OK;
}

static void hash_key(const struct agent_port *port, const uint8_t record[KEY_SIZE],
		     uint8_t ret_hash[AGENT_HASH_SIZE])
{
	port->hash_start(port->context);
	port->hash_add(port->context, record, KEY_PART);
	port->hash_end(port->context, ret_hash);
}

static bool load_key(const struct agent_port *port, uint8_t ret_record[KEY_SIZE], uint32_t *ret_len)
{
	uint8_t hash[AGENT_HASH_SIZE];

	if (!port->flash_read(port->context, port->key_address, ret_record, KEY_SIZE) ||
	    !read_header(ret_record, key_magic, ret_len) || *ret_len > AGENT_KEY_MAX)
		return false;
	hash_key(port, ret_record, hash);
	return memcmp(hash, ret_record + KEY_PART, sizeof(hash)) == 0;
}

static enum smp_rc make_key(const struct agent_port *port, uint8_t ret_record[KEY_SIZE],
			    uint32_t *ret_len)
{
	uint8_t record[KEY_SIZE], key[AGENT_KEY_MAX];
	size_t len;

	if (!port->key_make(port->context, key, &len) || len > sizeof(key))
		return SMP_UNKNOWN;
	put_header(record, key_magic, (uint32_t)len);
	memset(record + STORE_HEADER_SIZE, 0xff, AGENT_KEY_MAX);
	memcpy(record + STORE_HEADER_SIZE, key, len);
	hash_key(port, record, record + KEY_PART);
	if (!port->flash_erase(port->context, port->key_address, port->page_size) ||
	    !program(port, port->key_address, BYTES(record)) ||
	    !load_key(port, ret_record, ret_len) || memcmp(record, ret_record, KEY_SIZE) != 0)
		return SMP_CORRUPT;
	return SMP_OK;
}

enum smp_rc store_key(const struct agent_port *port, bool make, uint8_t ret_key[AGENT_KEY_MAX],
		      size_t *ret_len)
{
	uint8_t record[KEY_SIZE];
	uint32_t len;

	if (!load_key(port, record, &len)) {
		enum smp_rc rc = make ? make_key(port, record, &len) : SMP_BAD_STATE;

		if (rc != SMP_OK)
			return rc;
	}
	memcpy(ret_key, record + STORE_HEADER_SIZE, len);
	*ret_len = len;
	return SMP_OK;
}

enum smp_rc store_commit(const struct agent_port *port)
{
	uint8_t record[STORE_HEADER_SIZE];

	if (store_committed(port))
		return SMP_OK;
	memset(record, 0xff, sizeof(record));
	memcpy(record, state_magic, sizeof(state_magic));
	if (!port->flash_erase(port->context, port->state_address, port->page_size) ||
	    !program(port, port->state_address, BYTES(record)) || !store_committed(port))
		return SMP_CORRUPT;
	return SMP_OK;
}

bool store_committed(const struct agent_port *port)
{
	uint8_t magic[sizeof(state_magic)];

	return port->flash_read(port->context, port->state_address, magic, sizeof(magic)) &&
	       memcmp(magic, state_magic, sizeof(magic)) == 0;
}
