import CVolley
import Glibc
import Testing

@testable import Volley

@Suite("The poll set", .timeLimit(.minutes(10)))
struct PollSetTests {
    private let epoll = Descriptor(volley_epoll_create())
    private let readable = UInt32(VOLLEY_READABLE)

    @Test("it waits for what is in it, and tells each once")
    func readiness() throws {
        let set = Tested(epoll: epoll.number)
        let (one, two) = (Descriptor.event(), Descriptor.event())
        #expect(set.isEmpty)
        let first = try #require(set.add(one.number, events: readable, owner: 11))
        let second = try #require(set.add(two.number, events: readable, owner: 22))
        #expect(!set.isEmpty)
        #expect(set.end == 2)
        let isReadyBefore = set.wait(0)
        #expect(!isReadyBefore)
        two.signal()
        let isReady = set.wait(-1)
        #expect(isReady)
        #expect(!set.isEpollReady)
        #expect(set.takeReady(first) == nil)
        let ready = try #require(set.takeReady(second))
        #expect(ready.owner == 22)
        #expect(ready.events == readable)
        #expect(set.takeReady(second) == nil)
        // It still is readable, which the next wait tells.
        let isReadyAgain = set.wait(0)
        #expect(isReadyAgain)
        #expect(set.takeReady(second)?.owner == 22)
    }

    @Test("it waits for the epoll instance as well")
    func epollReadiness() {
        let set = Tested(epoll: epoll.number)
        let event = Descriptor.event()
        #expect(volley_epoll_add(epoll.number, event.number, readable, 1) == 0)
        let isReadyBefore = set.wait(0)
        #expect(!isReadyBefore)
        event.signal()
        let isReady = set.wait(-1)
        #expect(isReady)
        #expect(set.isEpollReady)
    }

    @Test("what is modified counts from then on, and what is removed not at all")
    func modifies() throws {
        let set = Tested(epoll: epoll.number)
        let event = Descriptor.event()
        let place = try #require(set.add(event.number, events: readable, owner: 1))
        // An eventfd can always be written to.
        set.modify(place, events: UInt32(VOLLEY_WRITABLE))
        let isWritable = set.wait(0)
        #expect(isWritable)
        #expect(set.takeReady(place)?.events == UInt32(VOLLEY_WRITABLE))
        event.signal()
        set.modify(place, events: readable)
        let isReadable = set.wait(0)
        #expect(isReadable)
        set.remove(place)
        // What was reported goes with it.
        #expect(set.takeReady(place) == nil)
        #expect(set.isEmpty)
        let isReady = set.wait(0)
        #expect(!isReady)
    }

    @Test("it takes as many as it has places, and gives places out again with nothing in them")
    func full() throws {
        let set = Tested(epoll: epoll.number)
        let events = (0..<PollSet.capacity + 1).map { _ in Descriptor.event() }
        for index in 0..<PollSet.capacity {
            #expect(set.add(events[index].number, events: readable, owner: index) == index)
        }
        #expect(set.add(events[PollSet.capacity].number, events: readable, owner: 99) == nil)
        for event in events { event.signal() }
        let isReady = set.wait(0)
        #expect(isReady)
        set.remove(3)
        #expect(set.end == PollSet.capacity)
        #expect(set.add(events[PollSet.capacity].number, events: readable, owner: 99) == 3)
        // Its predecessor was just ready; it has not been asked yet.
        #expect(set.takeReady(3) == nil)
        let isReadyAgain = set.wait(0)
        #expect(isReadyAgain)
        #expect(set.takeReady(3)?.owner == 99)
        #expect((0..<set.end).filter { set.takeReady($0) != nil } == [0, 1, 2, 4, 5, 6, 7])
        for place in [7, 0, 5, 6] { set.remove(place) }
        #expect(set.end == 5)
        for place in [1, 2, 3, 4] { set.remove(place) }
        #expect(set.isEmpty)
    }

    @Test("a descriptor that is closed is ready, with an error")
    func closed() throws {
        let set = Tested(epoll: epoll.number)
        // A number that is nobody's, rather than one that is given out again meanwhile.
        let place = try #require(set.add(1_000_000, events: readable, owner: 5))
        let isReady = set.wait(0)
        #expect(isReady)
        let ready = try #require(set.takeReady(place))
        #expect(ready.owner == 5)
        #expect(ready.events == UInt32(VOLLEY_READABLE | VOLLEY_ERROR))
    }
}

/// The set, which cannot be copied and so not be looked at by an expectation.
private final class Tested {
    private let polls: PollSet
    init(epoll: CInt) { polls = PollSet(epoll: epoll) }

    var isEmpty: Bool { polls.isEmpty }
    var isEpollReady: Bool { polls.isEpollReady }
    var end: Int { polls.end }
    func add(_ descriptor: CInt, events: UInt32, owner: Int) -> Int? {
        polls.add(descriptor, events: events, owner: owner)
    }
    func modify(_ place: Int, events: UInt32) { polls.modify(place, events: events) }
    func remove(_ place: Int) { polls.remove(place) }
    func wait(_ nanoseconds: Int64) -> Bool { polls.wait(nanoseconds) }
    func takeReady(_ place: Int) -> (owner: Int, events: UInt32)? { polls.takeReady(place) }
}

/// A descriptor that is closed with this object.
private final class Descriptor {
    let number: CInt
    init(_ number: CInt) { self.number = number }
    deinit { close(number) }

    /// An eventfd, which becomes readable when signalled.
    static func event() -> Descriptor { Descriptor(volley_eventfd()) }

    func signal() {
        var one: UInt64 = 1
        #expect(unsafe write(number, &one, 8) == 8)
    }
}
