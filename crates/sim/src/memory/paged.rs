//! A large array of which few parts are ever written.

/// Elements of one page.
const PAGE: usize = 1 << 16;
/// Pages of one directory.
const DIRECTORY: usize = 1 << 10;

type Directory<T> = Vec<Option<Box<[T]>>>;

/// An array of up to 2^40 elements, all zero (the default) until written.
///
/// A page comes into being when it is first written.
pub(crate) struct Paged<T> {
    directories: Vec<Option<Directory<T>>>,
}

impl<T: Copy + Default> Paged<T> {
    /// An array of `length` default elements.
    pub(crate) fn new(length: u64) -> Self {
        let directories = length.div_ceil((PAGE * DIRECTORY) as u64) as usize;
        Self { directories: (0..directories).map(|_| None).collect() }
    }

    /// Splits `address .. address + length` at page borders: (page number, offset in page, offset in the
    /// range, length).
    fn pieces(address: u64, length: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        let mut done = 0;
        std::iter::from_fn(move || {
            if done == length {
                return None;
            }
            let at = address as usize + done;
            let (page, offset) = (at / PAGE, at % PAGE);
            let piece = (PAGE - offset).min(length - done);
            let start = done;
            done += piece;
            Some((page, offset, start, piece))
        })
    }

    fn page(&self, page: usize) -> Option<&[T]> {
        self.directories[page / DIRECTORY].as_ref()?[page % DIRECTORY].as_deref()
    }

    fn page_mut(&mut self, page: usize) -> &mut [T] {
        let directory =
            self.directories[page / DIRECTORY].get_or_insert_with(|| (0..DIRECTORY).map(|_| None).collect());
        directory[page % DIRECTORY].get_or_insert_with(|| vec![T::default(); PAGE].into_boxed_slice())
    }

    /// Copies the elements from `address` on into `to`.
    pub(crate) fn read(&self, address: u64, to: &mut [T]) {
        for (page, offset, start, length) in Self::pieces(address, to.len()) {
            let to = &mut to[start..start + length];
            match self.page(page) {
                Some(page) => to.copy_from_slice(&page[offset..offset + length]),
                None => to.fill(T::default()),
            }
        }
    }

    /// Copies `from` to the elements from `address` on.
    pub(crate) fn write(&mut self, address: u64, from: &[T]) {
        for (page, offset, start, length) in Self::pieces(address, from.len()) {
            self.page_mut(page)[offset..offset + length].copy_from_slice(&from[start..start + length]);
        }
    }

    /// Sets `length` elements from `address` on.
    pub(crate) fn fill(&mut self, address: u64, length: usize, value: T) {
        for (page, offset, _, length) in Self::pieces(address, length) {
            self.page_mut(page)[offset..offset + length].fill(value);
        }
    }

    /// The first offset in `address .. address + length` whose element is `wanted`.
    pub(crate) fn find(&self, address: u64, length: usize, wanted: impl Fn(T) -> bool) -> Option<usize> {
        Self::pieces(address, length).find_map(|(page, offset, start, length)| match self.page(page) {
            Some(page) => page[offset..offset + length].iter().position(|&v| wanted(v)).map(|at| start + at),
            None => wanted(T::default()).then_some(start),
        })
    }

    /// First element and length of every page that came into being, ascending.
    pub(crate) fn resident(&self) -> impl Iterator<Item = (u64, usize)> {
        let in_use = |(number, directory): (usize, &Option<Directory<T>>)| {
            let pages = directory.iter().flatten().enumerate().filter(|(_, page)| page.is_some());
            pages
                .map(move |(page, _)| (((number * DIRECTORY + page) * PAGE) as u64, PAGE))
                .collect::<Vec<_>>()
        };
        self.directories.iter().enumerate().flat_map(in_use)
    }

    /// Element `address`.
    pub(crate) fn get(&self, address: u64) -> T {
        let at = address as usize;
        self.page(at / PAGE).map_or_else(T::default, |page| page[at % PAGE])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cross_pages_and_directories() {
        let mut array = Paged::<u8>::new(1 << 40);
        let edge = (PAGE * DIRECTORY) as u64;
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * PAGE).collect();
        array.write(edge - PAGE as u64 - 7, &bytes);
        let mut back = vec![1; bytes.len() + 2];
        array.read(edge - PAGE as u64 - 8, &mut back);
        assert_eq!(back[0], 0);
        assert_eq!(&back[1..=bytes.len()], &bytes);
        assert_eq!(back[bytes.len() + 1], 0);
        assert_eq!(array.get(edge - PAGE as u64 - 5), 2);
        let pages: Vec<_> = array.resident().map(|(first, _)| first / PAGE as u64).collect();
        assert_eq!(pages, [1022, 1023, 1024, 1025]);
        assert_eq!(array.find(edge - PAGE as u64 - 10, 100, |v| v == 1), Some(4));
        array.fill(edge - 1, 2, 9);
        assert_eq!((array.get(edge - 1), array.get(edge)), (9, 9));
    }
}
