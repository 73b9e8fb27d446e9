#include "cloud/rehearsal/broker/sessions.h"

static struct session *find(struct sessions *s, const void *client)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (s->entries[i].client == client)
			return &s->entries[i];
	return NULL;
}

bool sessions_add(struct sessions *s, const void *client, const char *certificate_id,
		  const char *client_id)
{
	struct session *entry = find(s, client);

	if (!entry)
		entry = find(s, NULL);
	if (!entry)
		return false;
	entry->client = client;
	snprintf(entry->certificate_id, sizeof(entry->certificate_id), "%s", certificate_id);
	snprintf(entry->client_id, sizeof(entry->client_id), "%s", client_id);
	return true;
}

void sessions_remove(struct sessions *s, const void *client)
{
	struct session *entry = client ? find(s, client) : NULL;

	if (entry)
		*entry = (struct session) { 0 };
}

const struct session *sessions_clash(const struct sessions *s, const char *certificate_id,
				     const char *client_id)
{
	for (size_t i = 0; i < SESSIONS_MAX; i++) {
		const struct session *entry = &s->entries[i];

		if (entry->client && strcmp(entry->certificate_id, certificate_id) != 0 &&
		    strncmp(entry->client_id, client_id, sizeof(entry->client_id) - 1) == 0)
			return entry;
	}
	return NULL;
}
