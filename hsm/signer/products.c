#include "hsm/signer/products.h"

#include "base/place.h"
#include "hsm/api/refusal.h"

#include <stdio.h>
#include <sys/stat.h>

#define PRODUCTS_MAX 64

struct loaded {
	struct product_ref ref; /* first: a ref is the loaded product */
	struct product *product;
	struct stat stat;
	unsigned users;
};

struct products {
	struct loaded *loaded[PRODUCTS_MAX];
	size_t count;
};

bool products_new(struct products **ret_products, struct err *e)
{
	*ret_products = calloc(1, sizeof(**ret_products));
	return *ret_products || err_set(e, ERR_SYSTEM, "no memory for the products");
}

static void release(struct loaded *loaded)
{
	if (--loaded->users)
		return;
	product_free(loaded->product);
	free(loaded);
}

void products_release(struct product_ref *ref)
{
	if (ref)
		release((struct loaded *)ref);
}

void products_free(struct products *p)
{
	for (size_t i = 0; i < p->count; i++)
		release(p->loaded[i]);
	free(p);
}

static bool is_name(const char *name)
{
	return *name && *name != '.' && strlen(name) <= NAME_MAX_LEN && !strchr(name, '/');
}

static bool unchanged(const struct loaded *loaded, const struct stat *now)
{
	return loaded->stat.st_ino == now->st_ino && loaded->stat.st_size == now->st_size &&
	       loaded->stat.st_mtim.tv_sec == now->st_mtim.tv_sec &&
	       loaded->stat.st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}

static bool load(const char *path, const struct stat *stat, struct loaded **ret_loaded,
		 struct err *e)
{
	struct loaded *loaded = calloc(1, sizeof(*loaded));

	if (!loaded)
		return err_set(e, ERR_SYSTEM, "no memory for a product");
	if (!product_load(path, &loaded->product, e)) {
		free(loaded);
		e->code = REFUSAL_PRODUCT;
		return false;
	}
	loaded->ref.product = loaded->product;
	loaded->stat = *stat;
	loaded->users = 1;
	*ret_loaded = loaded;
	return true;
}

/* The place of a product in the table; the last one gives way when the table is full. */
static size_t place_of(struct products *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (!strcmp(p->loaded[i]->product->name, name))
			return i;
	return i < PRODUCTS_MAX ? i : PRODUCTS_MAX - 1;
}

bool products_get(struct products *p, const char *name, struct product_ref **ret_ref, struct err *e)
{
	char file[NAME_MAX_LEN + sizeof("products/.yaml")], path[PATH_MAX];
	struct loaded *fresh;
	struct stat now;
	size_t i;

	if (!is_name(name))
		return err_set(e, REFUSAL_PRODUCT, "no product can have the name \"%s\"", name);
	snprintf(file, sizeof(file), "products/%s.yaml", name);
	if (!place_path(PLACE_ETC, file, path, e))
		return false;
	if (stat(path, &now) < 0)
		return err_errno(e, REFUSAL_PRODUCT, "the product %s has no file %s", name, path);
	i = place_of(p, name);
	if (i == p->count || !unchanged(p->loaded[i], &now) ||
	    strcmp(p->loaded[i]->product->name, name)) {
		if (!load(path, &now, &fresh, e))
			return false;
		if (i < p->count)
			release(p->loaded[i]);
		else
			p->count++;
		p->loaded[i] = fresh;
	}
	p->loaded[i]->users++;
	*ret_ref = &p->loaded[i]->ref;
	return true;
}
