import Foundation
import Testing
import VolleyTesting

/// Which test shows which row of the list of behaviours of streams (P: protocols, B: buffered ones, F: flow control).
@Suite("Every behaviour of streams has a test")
struct StreamTraceabilityTests {
    /// The rows that are part of the contract.
    static let contractRows =
        ids("P", 2...6) + ids("P", 8...13) + ids("P", 20...25) + ids("P", [30]) + ids("P", 32...36)
        + ids("P", 39...41) + ids("P", 43...45) + ids("P", 47...50) + ids("B", [1, 2, 4]) + ids("B", 6...10)
        + ids("B", [12, 13]) + ids("F", 1...11) + ids("F", [16, 17])

    /// The rows that are one implementation's, or are ours to decide.
    static let otherRows =
        ids("P", [1, 7, 26, 27, 31, 37, 38, 42, 46, 51]) + ids("B", [3, 5, 11]) + ids("F", [12, 13, 15])

    /// Rows shown by tests beside the scenarios of the contract, by the names of those tests.
    static let tests: [String: String] = [
        "P50": "a stream protocol without methods takes every callback, does nothing, and closes at the end",
        "F1": "marks that contradict each other are refused, with all of them in the message",
        "F5": "each mark that is not given follows from those that are",
        "F6": "each mark that is not given follows from those that are",
    ]

    /// Rows that say nothing about a Swift transport, and why.
    static let reasons: [String: String] = [
        "P1": "what a transport keeps is its own affair", "P38": "the compiler refuses anything but bytes",
        "P42": "a queue that has become empty is nobody's error", "P51": "the compiler asks for every method",
        "B11": "getBuffer has to be written, or the type does not compile", "F12": "callbacks do not throw",
    ]

    private static func ids(_ letter: String, _ numbers: some Sequence<Int>) -> [String] {
        numbers.map { "\(letter)\($0)" }
    }

    private static let scenarioRows = Set(StreamContract.scenarios.flatMap(\.rows))

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
            .filter { $0.pathExtension == "swift" && !$0.lastPathComponent.hasSuffix("TraceabilityTests.swift") }
            .map { try String(contentsOf: $0, encoding: .utf8) }
        for name in Set(Self.tests.values) {
            #expect(sources.contains { $0.contains("\"\(name)\"") }, "no test \"\(name)\"")
        }
    }

    @Test("no two scenarios have one name")
    func uniqueNames() {
        #expect(Set(StreamContract.scenarios.map(\.name)).count == StreamContract.scenarios.count)
    }
}
