internal import CVolley
internal import Glibc

/// The few descriptors that poll(2) waits for itself, beside the epoll instance that waits for all others.
///
/// A socket in an epoll set costs its sender a callback for every datagram that arrives, whether anybody sleeps or not:
/// a sink under a flood used 16 % more processor time for being registered (measured, Linux 6.18). poll(2) is in the
/// socket's wait queue only while it sleeps. It looks at every descriptor each time, so it is for a few.
@safe
struct PollSet: ~Copyable {
    /// The most descriptors beside the epoll instance.
    static let capacity = 8

    private let entries: UnsafeMutablePointer<pollfd>
    private let state: UnsafeMutablePointer<State>

    private struct State {
        /// Entries in use, counting those given up since but not the epoll instance's.
        var end = 0
        /// Which registration each entry belongs to.
        var owners = InlineArray<8, Int>(repeating: 0)
    }

    /// A set that waits for `epoll` as well.
    init(epoll: CInt) {
        // SAFETY: both are owned by this value and freed in deinit.
        unsafe entries = .allocate(capacity: Self.capacity + 1)
        unsafe entries.initialize(
            repeating: pollfd(fd: -1, events: 0, revents: 0), count: Self.capacity + 1)
        unsafe entries[0] = pollfd(fd: epoll, events: Int16(POLLIN), revents: 0)
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: State())
    }

    deinit {
        unsafe entries.deallocate()
        unsafe state.deallocate()
    }

    var isEmpty: Bool { unsafe state.pointee.end == 0 }

    /// Takes a descriptor in; nil when the set is full.
    func add(_ descriptor: CInt, events: UInt32, owner: Int) -> Int? {
        for place in 0..<Self.capacity where unsafe entries[place + 1].fd < 0 {
            // Nothing has been reported of it yet, even if its predecessor in this place was just ready.
            unsafe entries[place + 1] = pollfd(fd: descriptor, events: Int16(truncatingIfNeeded: events), revents: 0)
            unsafe state.pointee.owners[place] = owner
            unsafe state.pointee.end = max(state.pointee.end, place + 1)
            return place
        }
        return nil
    }

    func modify(_ place: Int, events: UInt32) {
        unsafe entries[place + 1].events = Int16(truncatingIfNeeded: events)
    }

    func remove(_ place: Int) {
        // poll(2) passes over negative descriptors.
        unsafe entries[place + 1] = pollfd(fd: -1, events: 0, revents: 0)
        while unsafe state.pointee.end > 0 && entries[state.pointee.end].fd < 0 { unsafe state.pointee.end -= 1 }
    }

    /// Waits for up to `nanoseconds`, for ever if negative; returns whether any descriptor is ready.
    func wait(_ nanoseconds: Int64) -> Bool {
        unsafe volley_poll(entries, UInt(state.pointee.end + 1), nanoseconds) > 0
    }

    /// Whether the epoll instance has something to tell.
    var isEpollReady: Bool { unsafe entries[0].revents != 0 }

    /// How many places to look at after a wait.
    var end: Int { unsafe state.pointee.end }

    /// What was reported of a place, once: its owner, and its events as `VOLLEY_…` bits, which are poll's own.
    func takeReady(_ place: Int) -> (owner: Int, events: UInt32)? {
        let bits = unsafe UInt32(UInt16(bitPattern: entries[place + 1].revents))
        guard bits != 0 else { return nil }
        unsafe entries[place + 1].revents = 0
        // A descriptor that somebody else has closed: a receive will say so.
        let events = bits & UInt32(POLLNVAL) == 0 ? bits : UInt32(VOLLEY_READABLE | VOLLEY_ERROR)
        return unsafe (state.pointee.owners[place], events)
    }
}
