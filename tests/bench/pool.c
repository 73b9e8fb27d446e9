#include "tests/bench/pool.h"

#include "base/file.h"

#define FILE_LEN_MAX ((size_t)512 * 1024 * 1024)
#define PREFIX_LEN 2

/* Cuts the file into requests; with `requests` NULL it only counts them. */
static bool cut(struct bytes data, struct bytes *requests, size_t *ret_count)
{
	size_t count = 0;

	while (data.len > 0) {
		size_t len;

		if (data.len < PREFIX_LEN || count == POOL_COUNT_MAX)
			return false;
		len = (size_t)data.data[0] << 8 | data.data[1];
		if (len == 0 || len > POOL_REQUEST_MAX || data.len - PREFIX_LEN < len)
			return false;
		if (requests)
			requests[count] = bytes_of(data.data + PREFIX_LEN, len);
		count++;
		data = bytes_of(data.data + PREFIX_LEN + len, data.len - PREFIX_LEN - len);
	}
	*ret_count = count;
	return count > 0;
}

bool pool_read(const char *path, struct pool **ret_pool, struct err *e)
{
	AUTO(pool) pool = calloc(1, sizeof(*pool));
	struct bytes data;
	size_t len;

	if (!pool)
		return err_set(e, ERR_SYSTEM, "out of memory");
	if (!file_read(path, FILE_LEN_MAX, &pool->data, &len, e))
		return false;
	data = bytes_of(pool->data, len);
	if (!cut(data, NULL, &pool->count))
		return err_set(e, ERR_INVALID, "%s holds no requests; make it with bench-requests",
			       path);
	pool->requests = calloc(pool->count, sizeof(*pool->requests));
	if (!pool->requests || !cut(data, pool->requests, &pool->count))
		return err_set(e, ERR_SYSTEM, "out of memory");
	*ret_pool = TAKE(pool);
	return true;
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	free(pool->requests);
	free(pool->data);
	free(pool);
}

bool pool_write(FILE *file, struct bytes request, struct err *e)
{
	uint8_t prefix[PREFIX_LEN] = { (uint8_t)(request.len >> 8), (uint8_t)request.len };

	if (fwrite(prefix, PREFIX_LEN, 1, file) == 1 &&
	    fwrite(request.data, request.len, 1, file) == 1)
		return true;
	return err_errno(e, ERR_SYSTEM, "cannot write the requests");
}

void pool_unit(const char *prefix, size_t index, char ret_unit[static POOL_UNIT_SIZE])
{
	snprintf(ret_unit, POOL_UNIT_SIZE, "%.48s%06zu", prefix, index);
}

bool pool_number(const char *text, size_t max, size_t *ret_number)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || number == 0 || number > max)
		return false;
	*ret_number = number;
	return true;
}
