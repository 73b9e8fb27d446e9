#include "base/place.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PRODUCT_END ".yaml"

AUTO_DEFINE(DIR, DIR *, closedir)

static const struct {
	const char *under, *system;
} places[] = {
	[PLACE_ETC] = { "etc", "/etc/imprint" },
	[PLACE_RUN_SIGNER] = { "run/signer", "/run/imprint/signer" },
	[PLACE_RUN_STATION] = { "run/station", "/run/imprint/station" },
	[PLACE_LIB_SIGNER] = { "lib/signer", "/var/lib/imprint/signer" },
	[PLACE_LIB_STATION] = { "lib/station", "/var/lib/imprint/station" },
};

bool place_path(enum place place, const char *name, char ret_path[static PATH_MAX], struct err *e)
{
	const char *root = secure_getenv("IMPRINT_DIR");
	bool under = root && *root;
	int len = snprintf(ret_path, PATH_MAX, "%s%s%s%s%s", under ? root : "", under ? "/" : "",
			   under ? places[place].under : places[place].system, name ? "/" : "",
			   name ? name : "");

	if (len < 0 || len >= PATH_MAX)
		return err_set(e, ERR_INVALID, "the path of %s is too long",
			       name ? name : places[place].under);
	return true;
}

static bool make_folders(char *path, struct err *e)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_errno(e, ERR_SYSTEM, "cannot make the folder %s", path);
		*slash = '/';
	}
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return err_errno(e, ERR_SYSTEM, "cannot make the folder %s", path);
	return true;
}

bool place_open(enum place place, bool make, int *ret_fd, struct err *e)
{
	char path[PATH_MAX];
	int fd;

	if (!place_path(place, NULL, path, e) || (make && !make_folders(path, e)))
		return false;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(e,
				 errno == ENOENT   ? ERR_NOT_FOUND
				 : errno == EACCES ? ERR_REFUSED
						   : ERR_SYSTEM,
				 "cannot open the folder %s", path);
	*ret_fd = fd;
	return true;
}

static bool is_product(const char *name)
{
	size_t len = strlen(name), end = strlen(PRODUCT_END);

	return name[0] != '.' && len > end && strcmp(name + len - end, PRODUCT_END) == 0;
}

bool place_products(place_product_fn *each, void *context, struct err *e)
{
	char folder[PATH_MAX], path[PATH_MAX];
	struct dirent *entry;
	AUTO(DIR) dir = NULL;

	if (!place_path(PLACE_ETC, "products", folder, e))
		return false;
	dir = opendir(folder);
	if (!dir)
		return errno == ENOENT || err_errno(e, ERR_SYSTEM, "cannot read %s", folder);
	while ((entry = readdir(dir))) {
		if (!is_product(entry->d_name) ||
		    snprintf(path, PATH_MAX, "%s/%s", folder, entry->d_name) >= PATH_MAX)
			continue;
		if (!each(context, path, e))
			return false;
	}
	return true;
}
