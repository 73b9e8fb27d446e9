#include "station/catalogue.h"

#include "base/place.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

struct kept {
	struct station_product product;
	char asked_driver[STATION_DRIVER_MAX + 1];
	struct timespec changed_at;
	ino_t inode;
	off_t size;
};

struct catalogue {
	pthread_mutex_t mutex;
	struct kept kept[CATALOGUE_KEPT];
	size_t count, next; /* `next` gives way */
};

bool catalogue_new(struct catalogue **ret_catalogue, struct err *e)
{
	struct catalogue *catalogue = calloc(1, sizeof(*catalogue));

	if (!catalogue)
		return err_set(e, ERR_SYSTEM, "no memory for products");
	pthread_mutex_init(&catalogue->mutex, NULL);
	*ret_catalogue = catalogue;
	return true;
}

void catalogue_free(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	pthread_mutex_destroy(&catalogue->mutex);
	free(catalogue);
}

static struct kept *find(struct catalogue *catalogue, const char *name, const char *driver)
{
	for (size_t i = 0; i < catalogue->count; i++)
		if (strcmp(catalogue->kept[i].product.name, name) == 0 &&
		    strcmp(catalogue->kept[i].asked_driver, driver) == 0)
			return &catalogue->kept[i];
	return NULL;
}

static struct kept *make_room(struct catalogue *catalogue)
{
	struct kept *room = &catalogue->kept[catalogue->next];

	catalogue->next = (catalogue->next + 1) % CATALOGUE_KEPT;
	if (catalogue->count < CATALOGUE_KEPT)
		catalogue->count++;
	return room;
}

static bool is_current(const struct kept *kept, const struct stat *now)
{
	return kept->inode == now->st_ino && kept->size == now->st_size &&
	       kept->changed_at.tv_sec == now->st_mtim.tv_sec &&
	       kept->changed_at.tv_nsec == now->st_mtim.tv_nsec;
}

static bool path_of(const char *name, char path[static PATH_MAX], struct err *e)
{
	char file[sizeof("products/.yaml") + NAME_MAX_LEN];

	if (!*name || *name == '.' || strchr(name, '/') || strlen(name) > NAME_MAX_LEN)
		return err_set(e, ERR_INVALID, "the name of the product cannot be a file's");
	snprintf(file, sizeof(file), "products/%s.yaml", name);
	return place_path(PLACE_ETC, file, path, e);
}

bool catalogue_get(struct catalogue *catalogue, const char *name, const char *driver,
		   struct station_product *ret_product, struct err *e)
{
	AUTO(lock) lock = lock_take(&catalogue->mutex);
	struct kept *kept = find(catalogue, name, driver);
	struct station_product product;
	char path[PATH_MAX];
	struct stat now;

	if (!path_of(name, path, e))
		return false;
	if (stat(path, &now) < 0)
		return err_errno(e, ERR_INVALID, "there is no product file %s", path);
	if (!kept || !is_current(kept, &now)) {
		if (!station_product_load(path, driver, &product, e))
			return false;
		kept = kept ? kept : make_room(catalogue);
		*kept = (struct kept) { .product = product,
					.changed_at = now.st_mtim,
					.inode = now.st_ino,
					.size = now.st_size };
		snprintf(kept->asked_driver, sizeof(kept->asked_driver), "%s", driver);
	}
	*ret_product = kept->product;
	return true;
}
