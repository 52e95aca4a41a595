import Foundation
import Testing
import VolleyTesting

/// Which test shows which row of the list of behaviours (D: datagrams, F: flow control).
@Suite("Every behaviour has a test")
struct TraceabilityTests {
    /// The rows that are part of the contract.
    static let contractRows =
        ids("D", [1, 3, 5, 6, 8, 20]) + ids("D", 23...28) + ids("D", [30, 31]) + ids("D", 33...38) + ids("D", 40...43)
        + ids("D", 60...64) + ids("D", 66...76) + ids("D", [78, 80, 83]) + ids("F", 1...11) + ids("F", 16...18)

    /// The rows that are one implementation's, or were observed and left to us to decide.
    static let otherRows =
        ids("D", [4, 7, 9, 11, 12, 21, 22, 29, 39]) + ids("D", 44...49) + ids("D", [77, 81, 82]) + ids("D", 90...100)
        + ids("F", [12, 13, 15])

    /// Rows shown by tests beside the scenarios of the contract, by the names of those tests.
    static let tests: [String: String] = [
        "D60": "server on port 0 and connected client: both are made before the call returns, echo, and close",
        "D61": "server on port 0 and connected client: both are made before the call returns, echo, and close",
        "D62": "a ready-made bound socket can be given, and belongs to the endpoint",
        "D63": "a socket that is not a datagram socket is refused, and closed",
        "D64": "an address without a family, as of a name that was not found, is refused with EAFNOSUPPORT",
        "D66": "a failing connect is thrown with its operation and peer, and the socket closed",
        "D67": "an endpoint that may broadcast is not connected to the peer it is given",
        "D68": "a failing socket call is thrown, for every way to make an endpoint",
        "D69": "local and remote addresses of different families are refused, and the socket closed",
        "D70": "a failure to make the socket non-blocking is thrown, and the socket closed",
        "D71": "an address without a family, as of a name that was not found, is refused with EAFNOSUPPORT",
        "D72": "a failing bind is thrown with its errno and address, and the socket closed",
        "D73": "the unnamed address gives a Unix endpoint, with a name the kernel chooses",
        "D74": "the file of a socket that is gone is replaced",
        "D75": "a socket that is given together with an option of the socket is refused and closed",
        "D76": "no option is set unless asked: REUSEPORT and BROADCAST on request, REUSEADDR never",
        "D78": "an address makes a socket of its family, UDP and for datagrams, without asking a resolver",
        "D80": "a protocol without methods takes every callback, and does nothing",
        "F1": "marks that contradict each other are refused, with all of them in the message",
        "F5": "each mark that is not given follows from those that are",
        "F6": "each mark that is not given follows from those that are",
    ]

    /// Rows that say nothing about a Swift transport on Linux, and why.
    static let reasons: [String: String] = [
        "D4": "a receive has no failures but errnos", "D7": "a receive has no failures but errnos",
        "D11": "receives are not completions here", "D29": "a send has no failures but errnos",
        "D39": "a send has no failures but errnos", "D45": "a send has no failures but errnos",
        "D46": "as D40", "D47": "as D41", "D48": "sends are not completions here",
        "D49": "sends are not completions here", "D77": "Linux has SO_REUSEPORT",
        "D81": "there is no send or receive without an endpoint",
        "D82": "there is no send or receive without an endpoint", "D94": "callbacks do not throw",
        "F12": "callbacks do not throw", "F15": "datagrams are not joined",
    ]

    private static func ids(_ letter: String, _ numbers: some Sequence<Int>) -> [String] {
        numbers.map { "\(letter)\($0)" }
    }

    private static let scenarioRows = Set(DatagramContract.scenarios.flatMap(\.rows))

    @Test("every row of the contract is shown by a scenario or a test", arguments: contractRows)
    func contractRow(_ row: String) {
        #expect(Self.scenarioRows.contains(row) || Self.tests[row] != nil)
    }

    @Test("every other row is shown by a scenario or a test, or has a reason not to be", arguments: otherRows)
    func otherRow(_ row: String) {
        #expect(Self.scenarioRows.contains(row) || Self.tests[row] != nil || Self.reasons[row] != nil)
    }

    @Test("scenarios and tests name no row that is not there")
    func knownRows() {
        let known = Set(Self.contractRows + Self.otherRows)
        #expect(Self.scenarioRows.subtracting(known) == [])
        #expect(Set(Self.tests.keys).subtracting(known) == [])
        #expect(Set(Self.reasons.keys).subtracting(Self.otherRows) == [])
    }

    @Test("the tests named here exist")
    func testsExist() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        let sources = try (files?.allObjects ?? []).compactMap { $0 as? URL }
            .filter { $0.pathExtension == "swift" && $0.lastPathComponent != "TraceabilityTests.swift" }
            .map { try String(contentsOf: $0, encoding: .utf8) }
        for name in Set(Self.tests.values) {
            #expect(sources.contains { $0.contains("\"\(name)\"") }, "no test \"\(name)\"")
        }
    }

    @Test("no two scenarios have one name")
    func uniqueNames() {
        #expect(Set(DatagramContract.scenarios.map(\.name)).count == DatagramContract.scenarios.count)
    }
}
