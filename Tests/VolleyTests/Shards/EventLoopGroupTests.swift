import SystemPackage
import Testing
import VolleyCore

@testable import Volley

@Suite(.timeLimit(.minutes(10)))
struct EventLoopGroupTests {
    @Test("as it comes, there is one loop for each processor, and none is bound")
    func defaults() throws {
        let available = LiveEventLoop.availableProcessors
        let group = try EventLoopGroup()
        defer { group.stop() }
        #expect(group.loops.count == available.count)
        #expect(group.processors == nil)
        for loop in group.loops { #expect(try loop.processors() == available) }
    }

    @Test("a pinned loop runs on its processor alone", arguments: [1, 2, 5])
    func pinned(count: Int) throws {
        let available = LiveEventLoop.availableProcessors
        let group = try EventLoopGroup(count: count, isPinned: true)
        defer { group.stop() }
        let expected = (0..<count).map { available[$0 % available.count] }
        #expect(group.processors == expected)
        #expect(try group.loops.map { try $0.processors() } == expected.map { [$0] })
        #expect(LiveEventLoop.availableProcessors == available, "the caller's own are its own")
    }

    @Test("processors that are not there are refused", arguments: [[], [-1], [8191], [8192], [Int.max]])
    func noProcessor(processors: [Int]) throws {
        let loop = try LiveEventLoop()
        defer { loop.stop() }
        let before = try loop.processors()
        #expect { try loop.pin(to: Set(processors)) } throws: { ($0 as? DatagramError)?.errno == .invalidArgument }
        #expect(try loop.processors() == before)
    }

    @Test("the number of loops has to be in its range", arguments: [Int.min, -1, 0, 1025, Int.max])
    func count(count: Int) {
        #expect { try EventLoopGroup(count: count) } throws: { ($0 as? DatagramError)?.errno == .invalidArgument }
    }

    @Test("a stopped group takes no more")
    func stopped() throws {
        let group = try EventLoopGroup(count: 2)
        group.stop()
        #expect(group.loops.allSatisfy { loop in !loop.execute { _ in } })
        #expect { try group.bindDatagram(to: SocketAddress(.loopbackV4, port: 0)) { Silent() } } throws: {
            ($0 as? DatagramError)?.errno == .canceled
        }
    }

    private final class Silent: DatagramProtocol {}
}
