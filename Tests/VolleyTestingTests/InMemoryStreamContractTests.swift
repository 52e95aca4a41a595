import Testing
import VolleyTesting

@Suite("The stream contract, in memory")
struct InMemoryStreamContractTests {
    @Test("in memory", arguments: StreamContract.scenarios)
    func inMemory(_ scenario: StreamScenario) throws {
        try check(scenario) { InMemoryStreamContractWorld() }
    }
}
