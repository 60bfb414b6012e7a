/**
 * Settings of glibc's allocator for processes that train. By default it gives the large blocks that every step frees
 * back to the system, which fills them with zeros before the next step gets them, page by page; with these it keeps
 * them, on large pages: far fewer page faults a step. Other systems than Linux do not read them. Notebook kernels do
 * without: what they load once and free would stay with them.
 */
const TUNABLES: Record<string, number> = {
  'glibc.malloc.hugetlb': 1, // large pages where the system offers them
  'glibc.malloc.trim_threshold': 2e9,
  'glibc.malloc.mmap_threshold': 1e9,
  'glibc.malloc.top_pad': 2 ** 26,
};

/** What a training process wants in its environment. glibc reads it when the process starts, so its parent must set it. */
export const ALLOCATOR_SETTINGS: { readonly GLIBC_TUNABLES: string } = {
  GLIBC_TUNABLES: Object.entries(TUNABLES)
    .map(([name, value]) => `${name}=${value}`)
    .join(':'),
};
