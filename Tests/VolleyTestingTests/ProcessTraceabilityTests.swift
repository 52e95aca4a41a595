import Foundation
import Testing

/// Which test shows which row of the list of behaviours of pipes (I) and programs (S).
///
/// A test's name begins with the rows it shows: `"I6, I9: …"`.
@Suite("Every behaviour of pipes and programs has a test")
struct ProcessTraceabilityTests {
    /// The rows to behave the same in.
    static let coreRows =
        ids("I", 1...4) + ids("I", 6...12) + ids("I", 14...18) + ids("S", [1]) + ids("S", 3...11) + ids("S", [14])
        + ids("S", 16...21) + ids("S", 24...27) + ids("S", 29...31) + ids("S", 34...36)

    /// The rows to adapt, and those that are Python's own.
    static let otherRows = ids("I", [5, 13, 19, 20]) + ids("S", [2, 12, 13, 15, 22, 23, 28, 32, 33])

    /// Rows that say nothing about Swift on Linux, and why.
    static let reasons: [String: String] = [
        "I20": "there are no descriptions that could fail",
        "S2": "what a description would say, number and termination, is public",
        "S13": "there is neither text mode nor buffer size, and the shell has a call of its own",
        "S23": "a start is one step on the loop, which nothing can cancel half way; a wait changes nothing",
        "S32": "the pidfd is the only watcher", "S33": "the compiler asks for every method of a transport",
    ]

    private static func ids(_ letter: String, _ numbers: some Sequence<Int>) -> [String] {
        numbers.map { "\(letter)\($0)" }
    }

    private static func isRow(_ name: String) -> Bool {
        (name.hasPrefix("I") || name.hasPrefix("S")) && Int(name.dropFirst()) != nil
    }

    /// The rows that the names of tests begin with.
    private static let shownRows: Set<String> = {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("VolleyTests")
        var rows: Set<String> = []
        for folder in ["Pipes", "Subprocess"] {
            let files = try? FileManager.default.contentsOfDirectory(
                at: tests.appendingPathComponent(folder), includingPropertiesForKeys: nil)
            for file in files ?? [] {
                let source = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
                for test in source.components(separatedBy: "@Test(").dropFirst() {
                    let name = test.drop { $0.isWhitespace }.dropFirst()
                    let names = name.prefix { $0 != ":" && $0 != "\"" }.components(separatedBy: ", ")
                    guard names.allSatisfy({ isRow($0) }) else { continue }
                    rows.formUnion(names)
                }
            }
        }
        return rows
    }()

    @Test("every core row is shown by a test", arguments: coreRows)
    func coreRow(_ row: String) {
        #expect(Self.shownRows.contains(row))
    }

    @Test("every other row is shown by a test, or has a reason not to be", arguments: otherRows)
    func otherRow(_ row: String) {
        #expect(Self.shownRows.contains(row) != (Self.reasons[row] != nil))
    }

    @Test("tests name no row that is not there")
    func knownRows() {
        let known = Set(Self.coreRows + Self.otherRows)
        #expect(Self.shownRows.subtracting(known) == [])
        #expect(Set(Self.reasons.keys).subtracting(Self.otherRows) == [])
    }
}
