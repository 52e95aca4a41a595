import Testing
import VolleyTesting

/// Plays a scenario and reports what it finds where the scenario expected something else; a scenario that the world
/// cannot play is cancelled, which the output shows with the reason.
func check(_ scenario: StreamScenario, in makeWorld: () throws -> any StreamContractWorld) throws {
    if let reason = scenario.inapplicability(to: try makeWorld().capabilities) {
        print("not applicable, \(Test.current?.displayName ?? ""): \(scenario): \(reason)")
        try Test.cancel(Comment(rawValue: "not applicable: \(reason)"))
    }
    do throws(ContractFailure) {
        try scenario.run(in: makeWorld)
    } catch {
        Issue.record(
            Comment(rawValue: error.message),
            sourceLocation: SourceLocation(fileID: error.fileID, filePath: error.filePath, line: error.line, column: 1))
    }
}
