import SystemPackage
import Testing
import VolleyTesting

@testable import Volley

/// sd_notify(3) with a socket of the test's own in the manager's place.
@Suite("Telling the service manager", .timeLimit(.minutes(10)))
struct ServiceManagerTests {
    @Test("all assignments arrive in one datagram, at a path or an abstract name", arguments: [false, true])
    func sends(isAbstract: Bool) throws {
        let names = try TemporaryNames(isAbstract: isAbstract)
        let address = try names.next()
        let manager = try PeerSocket(address)
        let name = isAbstract ? String(address.description.dropFirst("unix:".count)) : address.path
        try ServiceManager.send(
            [ServiceNotification.mainProcess(77), .ready, .status("serving\nREADY=0")].flatMap(\.lines),
            to: try #require(name))
        manager.drain()
        #expect(manager.arrivals == [Array("MAINPID=77\nREADY=1\nSTATUS=serving".utf8)])
    }

    @Test("the assignments are those of sd_notify(3)")
    func lines() {
        #expect(ServiceNotification.ready.lines == ["READY=1"])
        #expect(ServiceNotification.stopping.lines == ["STOPPING=1"])
        #expect(ServiceNotification.watchdog.lines == ["WATCHDOG=1"])
        let start = MonotonicInstant(nanoseconds: 12_345_678)
        #expect(ServiceNotification.reloading(since: start).lines == ["RELOADING=1", "MONOTONIC_USEC=12345"])
        let (before, now) = (System.monotonicNanoseconds() / 1_000, ServiceNotification.reloading.lines[1])
        let time = Int64(now.dropFirst("MONOTONIC_USEC=".count))
        #expect(time.map { $0 >= before } == true)
    }

    @Test(
        "a name that is no socket's is malformed",
        arguments: ["", "@", "relative", "vsock:2:1", "/" + String(repeating: "x", count: 108)])
    func malformed(name: String) {
        let error = #expect(throws: LifecycleError.self) { try ServiceManager.send(["READY=1"], to: name) }
        #expect(error?.code == .malformedEnvironment)
        #expect(error?.message.contains("NOTIFY_SOCKET") == true)
    }

    @Test("nobody at the socket is an error with its errno")
    func nobody() throws {
        let error = #expect(throws: LifecycleError.self) {
            try ServiceManager.send(["READY=1"], to: "/nowhere/at/all")
        }
        #expect(error?.code == .systemCall)
        #expect(error?.errno == .noSuchFileOrDirectory)
    }
}
