import Foundation
import Synchronization
import Testing
import VolleyCore

/// Real servers that follow each other on one socket while it is under load.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct HandoverTests {
    /// Whether a server has said where it listens, found out by a thread of its own.
    private final class FirstLine: Sendable {
        private let line = Mutex<String?>(nil)
        var text: String? { line.withLock { $0 } }

        init(of running: Command.Running) {
            let output = running.pipes?.output.fileHandleForReading.fileDescriptor ?? -1
            Thread.detachNewThread { [self] in
                var bytes: [UInt8] = []
                var byte: UInt8 = 0
                while unsafe read(output, &byte, 1) == 1, byte != UInt8(ascii: "\n") { bytes.append(byte) }
                line.withLock { $0 = String(decoding: bytes, as: UTF8.self) }
            }
        }
    }

    private struct Report: Decodable {
        let received, sent, undelivered, kernelDrops, sendsDropped: Int
    }

    /// Numbered datagrams to an echo server, a fixed number of them under way, none sent twice.
    private final class Load {
        let client: UDPClient
        private(set) var answers: [UInt8] = []
        private(set) var sent: UInt32 = 0
        private var underWay = 0
        private(set) var isBroken = false

        init(to port: UInt16) throws { client = try UDPClient(to: port) }

        /// Fills the window up, unless it is to run dry, and takes one answer.
        func step(isEnding: Bool = false) {
            while !isEnding, underWay < 64, client.send(sent) {
                sent += 1
                answers.append(0)
                underWay += 1
            }
            guard let number = client.receive(), number < sent else {
                isBroken = true
                return
            }
            answers[Int(number)] &+= 1
            underWay -= 1
        }

        /// Waits for what is under way.
        func finish() { while underWay > 0, !isBroken { step(isEnding: true) } }
    }

    @Test("of 20,000 datagrams each is answered exactly once across three hand-overs under load", arguments: 1...10)
    func underLoad(run: Int) throws {
        let path = TemporaryFile("handover")
        let arguments = ["serve", "echo", "--handover", path.path, "--json"]
        var servers = [try Command.start(arguments + ["--listen", "127.0.0.1:0"])]
        defer { for server in servers where server.process.isRunning { server.process.terminate() } }
        let address = try #require(servers[0].readLine().split(separator: " ").last)
        let load = try Load(to: try SocketAddress(parsing: String(address)).port)
        while servers.count < 4 {
            let next = try Command.start(arguments)
            servers.append(next)
            let line = FirstLine(of: next)
            while line.text == nil, !load.isBroken { load.step() }
            #expect(line.text?.hasPrefix("listening on \(address) (from process ") == true)
            let mark = load.sent + 2_000
            while load.sent < mark, !load.isBroken { load.step() }
        }
        while load.sent < 20_000, !load.isBroken { load.step() }
        load.finish()
        servers[3].process.terminate()
        let lost = load.answers.count { $0 == 0 }
        let repeated = load.answers.count { $0 > 1 }
        #expect(lost == 0 && repeated == 0 && !load.isBroken, "of \(load.sent): \(lost) lost, \(repeated) repeated")
        var received = 0
        for server in servers {
            let report = try JSONDecoder().decode(Report.self, from: Data(server.readLine().utf8))
            server.process.waitUntilExit()
            #expect(server.process.terminationStatus == 0)
            #expect(report.received > 0 && report.sent == report.received)
            #expect(report.undelivered == 0 && report.kernelDrops == 0 && report.sendsDropped == 0)
            received += report.received
        }
        #expect(received == Int(load.sent))
        #expect(!FileManager.default.fileExists(atPath: path.path))
    }

    @Test("the service manager hears of start and end, and of the new main process; the old one's end is no end")
    func notifies() throws {
        let manager = try NotifySocket()
        let path = TemporaryFile("handover")
        let arguments = ["serve", "echo", "--listen", "127.0.0.1:0", "--handover", path.path]
        let environment = ["NOTIFY_SOCKET": manager.file.path]
        let first = try Command.start(arguments, environment: environment)
        defer { first.process.terminate() }
        #expect(manager.next() == "READY=1")
        let second = try Command.start(arguments, environment: environment)
        #expect(manager.next() == "MAINPID=\(second.process.processIdentifier)\nREADY=1")
        first.process.waitUntilExit()
        second.process.terminate()
        #expect(manager.next() == "STOPPING=1")
        second.process.waitUntilExit()
        #expect(second.process.terminationStatus == 0)
    }

    @Test("a server that is asked to listen elsewhere takes nothing over, and the one before it goes on")
    func anotherAddress() throws {
        let path = TemporaryFile("handover")
        let first = try Command.start(["serve", "echo", "--listen", "127.0.0.1:0", "--handover", path.path])
        defer { first.process.terminate() }
        let address = String(first.readLine().dropFirst("listening on ".count))
        let second = try Command.run("serve", "echo", "--listen", "127.0.0.9:1", "--handover", path.path)
        #expect(second.status == 4)
        #expect(second.errors.contains(address) && second.errors.contains("127.0.0.9:1"))
        let client = try UDPClient(to: try SocketAddress(parsing: address).port)
        #expect(client.send(7))
        #expect(client.receive() == 7)
    }

    @Test("a path that is something else is an error that names it, and leaves it alone")
    func occupiedPath() throws {
        let file = try TemporaryFile([1, 2, 3])
        let result = try Command.run("serve", "echo", "--listen", "127.0.0.1:0", "--handover", file.path)
        #expect(result.status == 4)
        #expect(result.errors.contains(file.path))
        #expect(result.errors.split(separator: "\n").count == 1)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file.path)) == Data([1, 2, 3]))
    }

    @Test("a server killed outright leaves a path that the next one uses, without anything to take over")
    func stalePath() throws {
        let path = TemporaryFile("handover")
        let arguments = ["serve", "sink", "--listen", "127.0.0.1:0", "--handover", path.path]
        let first = try Command.start(arguments)
        _ = first.readLine()
        kill(first.process.processIdentifier, SIGKILL)
        first.process.waitUntilExit()
        #expect(FileManager.default.fileExists(atPath: path.path))
        let second = try Command.start(arguments)
        #expect(!second.readLine().contains("from process"))
        second.process.terminate()
        second.process.waitUntilExit()
        #expect(second.process.terminationStatus == 0)
        #expect(!FileManager.default.fileExists(atPath: path.path))
    }
}
