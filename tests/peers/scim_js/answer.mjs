// Answers questions about filters and patches, one a line in JSON, with the libraries of others: what the gateway answers is compared with it.
import readline from "node:readline";
import scimPatch from "scim-patch";
import SCIMMY from "scimmy";
import parseFilter from "scim2-parse-filter";

const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
SCIMMY.Schemas.User.extend(SCIMMY.Schemas.EnterpriseUser, false);

const filters = {
    "scimmy": (filter, resource) => new SCIMMY.Types.Filter(filter).match([resource]).length === 1,
    "scim2-parse-filter": (filter, resource) => parseFilter.filter(parseFilter.parse(filter))(resource),
};

const patches = {
    "scimmy": async (resource, operations) => {
        const patched = await new SCIMMY.Messages.PatchOp({ schemas: [PATCH], Operations: operations }).apply(new SCIMMY.Schemas.User(resource));
        // It answers nothing when nothing changes.
        return patched ?? resource;
    },
    "scim-patch": (resource, operations) => {
        scimPatch.patchBodyValidation({ schemas: [PATCH], Operations: operations });
        return scimPatch.scimPatch(resource, operations);
    },
};

for await (const line of readline.createInterface({ input: process.stdin })) {
    const { peer, filter, operations, resource } = JSON.parse(line);
    let answer;
    try {
        answer = { answer: await (filter === undefined ? patches[peer](resource, operations) : filters[peer](filter, resource)) };
    } catch (error) {
        answer = { refused: String(error.message ?? error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
}
