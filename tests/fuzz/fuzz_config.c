/* Any bytes as each of the settings files, as the map of a jig and as both parts of a product, with
 * every check behind the schema. The file is read from a folder of its own, as the programs read
 * it. */
#include "base/config.h"
#include "fixtures/map.h"
#include "hsm/product/product.h"
#include "hsm/settings.h"
#include "station/product.h"
#include "station/settings.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/fuzz-config-XXXXXX", path[64];
static int fd = -1;

static void drop_folder(void)
{
	unlink(path);
	rmdir(folder);
}

static void write_file(const uint8_t *data, size_t size)
{
	if (fd < 0) {
		assert(mkdtemp(folder));
		snprintf(path, sizeof(path), "%s/p.yaml", folder);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert(fd >= 0);
		atexit(drop_folder);
	}
	assert(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
}

/* A refusal says where: the file's name comes first. */
static void check(bool done, const struct err *e)
{
	assert(done || e->code == ERR_SYSTEM ||
	       (e->code == ERR_INVALID && strncmp(e->text, path, strlen(path)) == 0));
}

static void load_parts(void)
{
	static struct settings settings;
	static const char *const nests[] = { "A1", "A2", "B1", "B2" };
	static struct station_settings station;
	static struct map map;
	struct station_product station_product;
	AUTO(product) product = NULL;
	struct err e;

	check(settings_load(path, &settings, &e), &e);
	check(station_settings_load(path, &station, &e), &e);
	check(station_product_load(path, "", &station_product, &e), &e);
	check(map_load(path, nests, sizeof(nests) / sizeof(*nests), &map, &e), &e);
	check(product_load(path, &product, &e), &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	write_file(data, size);
	load_parts();
	return 0;
}
