//! Inside the sandbox: memory that is only ever taken, and panics that say what happened.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, Ordering};

/// What most evaluations need, part of the instance's memory from the start.
const ARENA: usize = 192 * 1024;
const PAGE: usize = 64 * 1024;

/// Hands out memory in order and takes none back: an instance lives for one call, its memory goes
/// with it, and the host bounds how much there can be.
struct Bump;

struct Area {
    next: *mut u8,
    end: *mut u8,
}

/// Of words as large as the strictest alignment.
static mut FIRST: [u128; ARENA / 16] = [0; ARENA / 16];
static mut AREA: Area = Area {
    next: (&raw mut FIRST).cast::<u8>(),
    end: (&raw mut FIRST).wrapping_add(1).cast::<u8>(),
};

#[global_allocator]
static BUMP: Bump = Bump;

// SAFETY: a guest has one thread, so nothing else reads or writes AREA meanwhile; every block lies
// within FIRST or grown memory, after all blocks handed out before.
unsafe impl GlobalAlloc for Bump {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let area = &raw mut AREA;
        unsafe {
            let start = (*area)
                .next
                .wrapping_add((*area).next.align_offset(layout.align()));
            if layout.size() <= ((*area).end as usize).saturating_sub(start as usize) {
                (*area).next = start.wrapping_add(layout.size());
                return start;
            }
            grow(layout)
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // Memory that was never handed out is zero.
        unsafe { self.alloc(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let area = &raw mut AREA;
        unsafe {
            let is_last = block.wrapping_add(layout.size()) == (*area).next;
            if size <= layout.size() {
                return block;
            }
            if is_last && size <= ((*area).end as usize).saturating_sub(block as usize) {
                (*area).next = block.wrapping_add(size);
                return block;
            }
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size());
            }
            moved
        }
    }
}

/// Goes on in fresh pages; null when the host refuses them.
#[cold]
unsafe fn grow(layout: Layout) -> *mut u8 {
    let pages = layout
        .size()
        .saturating_add(layout.align())
        .max(ARENA)
        .div_ceil(PAGE);
    let before = core::arch::wasm32::memory_grow::<0>(pages);
    if before == usize::MAX {
        return core::ptr::null_mut();
    }
    let area = &raw mut AREA;
    let start = core::ptr::without_provenance_mut::<u8>(before * PAGE);
    unsafe {
        (*area).end = start.wrapping_add(pages * PAGE);
        (*area).next = start.wrapping_add(layout.size());
    }
    start
}

/// Lets the host's log say where a rule panicked, before the trap.
pub(crate) fn report_panics() {
    static SET: AtomicBool = AtomicBool::new(false);
    if !SET.swap(true, Ordering::Relaxed) {
        std::panic::set_hook(Box::new(|panic| crate::log::warn(&panic.to_string())));
    }
}
