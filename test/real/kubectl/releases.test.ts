import { describeReleases } from './release-stories.ts'

describeReleases()
