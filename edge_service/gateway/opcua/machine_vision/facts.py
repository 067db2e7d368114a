"""Facts of OPC 40100-1 (Machine Vision, version 1.0.0) about the nodes that this station offers.

One node a line: its number in the standard's namespace, class, browse name, and

- of a type (``OT``, ``VT``, ``RT``, ``DT``): its supertype, then what it is or has;
- of any other node: parent, reference from it (``C`` component, ``P`` property), type definition, modelling
  rule (``M`` mandatory, ``O`` optional, ``OP`` optional placeholder), and of a variable its data type.

``0:`` marks the base namespace; ``:1`` after a data type an array. ``in`` and ``out`` are the argument
properties of a method with its arguments, ``of`` is the declaration that they are taken from, ``number`` the
property with a state's or transition's number, ``binary`` the encoding of a structure. A field with ``?`` is
optional.
"""

FACTS = """
4002 RT FromTransition 0:32
4003 RT ToTransition 0:32
2002 VT ResultType 0:63 dt=3006
6046 V ResultId 2002 C 0:63 M 3021 access=3
6047 V HasTransferableDataOnFile 2002 C 0:63 O 0:1 access=3
6052 V IsPartial 2002 C 0:63 M 0:1 access=3
6053 V IsSimulated 2002 C 0:63 O 0:1 access=3
6054 V ResultState 2002 C 0:63 M 3009 access=3
6055 V MeasId 2002 C 0:63 O 3015 access=3
6094 V PartId 2002 C 0:63 O 3004 access=3
6095 V ExternalRecipeId 2002 C 0:63 O 3002 access=3
6284 V InternalRecipeId 2002 C 0:63 M 3013 access=3
6327 V ProductId 2002 C 0:63 O 3003 access=3
6328 V ExternalConfigurationId 2002 C 0:63 O 3008 access=3
6329 V InternalConfigurationId 2002 C 0:63 M 3008 access=3
6330 V JobId 2002 C 0:63 M 3016 access=3
6331 V CreationTime 2002 C 0:63 M 0:294 access=3
6332 V ProcessingTimes 2002 C 0:63 O 3005 access=3
6333 V ResultContent 2002 C 0:63 O 0:24:1 access=3
1003 OT VisionSystemType 0:58
5004 O ConfigurationManagement 1003 C 1006 O
5094 O Configurations 5004 C 1011 O
6043 V ActiveConfiguration 5004 C 0:63 M 3007 access=3
7008 M ActivateConfiguration 5004 C - M of=7048 in=6026 out=6027
7016 M GetConfigurationById 5004 C - M of=7041 in=6044 out=6098
7017 M GetConfigurationList 5004 C - M of=7045 in=6099 out=6102
7072 M ReleaseConfigurationHandle 5004 C - O of=7046 in=6364 out=6365
5015 O RecipeManagement 1003 C 1004 O
5097 O Recipes 5015 C 1008 O
7018 M GetRecipeListFiltered 5015 C - M of=7014 in=6103 out=6106
7031 M PrepareRecipe 5015 C - M of=7015 in=6107 out=6110
7032 M UnprepareRecipe 5015 C - M of=7055 in=6111 out=6114
7081 M ReleaseRecipeHandle 5015 C - O of=7056 in=6382 out=6383
5020 O ResultManagement 1003 C 1007 O
5099 O Results 5020 C 1016 O
7033 M GetResultById 5020 C - M of=7026 in=6115 out=6118
7034 M GetResultComponentsById 5020 C - M of=7007 in=6119 out=6123
7035 M GetResultListFiltered 5020 C - M of=7089 in=6124 out=6133
7085 M ReleaseResultHandle 5020 C - O of=7090 in=6391 out=6392
5053 O VisionStateMachine 1003 C 1017 M
5100 O AutomaticModeStateMachine 5053 C 1021 O
6407 V 0:CurrentState 5100 C 0:2760 M 0:21
6408 V 0:Id 6407 P 0:68 M 0:17
7092 M Abort 5100 C - M of=7097 in=6405 out=6406
7099 M StartContinuous 5100 C - M of=7009 in=6409 out=6410
7102 M StartSingleJob 5100 C - M of=7098 in=6411 out=6412
7103 M Stop 5100 C - M of=7096 in=6413 out=6414
7107 M SimulationMode 5100 C - O of=7100 in=6428 out=6429
5101 O Preoperational 5053 C 0:2307 M number=6415:1
5106 O Halted 5053 C 0:2307 M number=6434:2
5107 O Error 5053 C 0:2307 M number=6435:3
5108 O Operational 5053 C 0:2307 M number=6436:4
6162 V 0:CurrentState 5053 C 0:2760 M 0:21
6163 V 0:Id 6162 P 0:68 M 0:17
7037 M Halt 5053 C - M of=7094 in=6154 out=6155
7038 M Reset 5053 C - M of=7093 in=6158 out=6159
7049 M ConfirmAll 5053 C - O of=7066 in=6216
7053 M SelectModeAutomatic 5053 C - O of=7095 out=6325
6048 V DiagnosticLevel 1003 C 0:63 O 0:5 access=3
6049 V SystemState 1003 C 0:63 O 3024 access=3
1017 OT VisionStateMachineType 0:2771
5024 O AutomaticModeStateMachine 1017 C 1021 O
6080 V 0:CurrentState 5024 C 0:2760 M 0:21
6081 V 0:Id 6080 P 0:68 M 0:17
7020 M Abort 5024 C - M of=7097 in=6065 out=6066
7021 M StartContinuous 5024 C - M of=7009 in=6067 out=6068
7022 M StartSingleJob 5024 C - M of=7098 in=6069 out=6070
7023 M Stop 5024 C - M of=7096 in=6078 out=6079
7044 M SimulationMode 5024 C - O of=7100 in=6326 out=6400
5028 O Preoperational 1017 C 0:2307 - number=6226:1
5029 O Halted 1017 C 0:2307 - number=6227:2
5030 O Error 1017 C 0:2307 - number=6228:3
5031 O Operational 1017 C 0:2307 - sub=5024 number=6229:4
5032 O PreoperationalToHalted 1017 C 0:2310 - from=5028 to=5029 cause=7094 effect=1018 number=6230:121
5033 O PreoperationalToHaltedAuto 1017 C 0:2310 - from=5028 to=5029 effect=1018 number=6231:120
5034 O PreoperationalToErrorAuto 1017 C 0:2310 - from=5028 to=5030 effect=1018,1019 number=6232:130
5035 O PreoperationalToInitialized 1017 C 0:2310 - from=5028 to=5056 cause=7095 effect=1018 number=6233:151
5036 O PreoperationalToInitializedAuto 1017 C 0:2310 - from=5028 to=5056 effect=1018 number=6234:150
5037 O HaltedToPreoperational 1017 C 0:2310 - from=5029 to=5028 cause=7093 effect=1018 number=6235:211
5038 O HaltedToPreoperationalAuto 1017 C 0:2310 - from=5029 to=5028 effect=1018 number=6236:210
5039 O ErrorToPreoperational 1017 C 0:2310 - from=5030 to=5028 cause=7093 effect=1018 number=6237:311
5040 O ErrorToPreoperationalAuto 1017 C 0:2310 - from=5030 to=5028 effect=1018 number=6238:310
5041 O ErrorToHalted 1017 C 0:2310 - from=5030 to=5029 cause=7094 effect=1018 number=6239:321
5042 O ErrorToHaltedAuto 1017 C 0:2310 - from=5030 to=5029 effect=1018 number=6240:320
5047 O OperationalToPreoperational 1017 C 0:2310 - from=5031 to=5028 cause=7093 effect=1018 number=6245:411
5048 O OperationalToPreoperationalAuto 1017 C 0:2310 - from=5031 to=5028 effect=1018 number=6246:410
5049 O OperationalToHalted 1017 C 0:2310 - from=5031 to=5029 cause=7094 effect=1018 number=6247:421
5050 O OperationalToHaltedAuto 1017 C 0:2310 - from=5031 to=5029 effect=1018 number=6248:420
5051 O OperationalToErrorAuto 1017 C 0:2310 - from=5031 to=5030 effect=1018 number=6249:430
5253 O PreoperationalToOperational 1017 C 0:2310 - from=5028 to=5031 cause=7095 effect=1018 number=6171:141
5254 O PreoperationalToOperationalAuto 1017 C 0:2310 - from=5028 to=5031 effect=1018 number=6221:140
5255 O ErrorToOperationalAuto 1017 C 0:2310 - from=5030 to=5031 effect=1018,1020 number=6341:340
7066 M ConfirmAll 1017 C - O in=6241(Comment=0:21)
7093 M Reset 1017 C - M in=6256(Cause=0:6,CauseDescription=0:12) out=6257(Error=0:6)
7094 M Halt 1017 C - M in=6254(Cause=0:6,CauseDescription=0:12) out=6255(Error=0:6)
7095 M SelectModeAutomatic 1017 C - O out=6258(Error=0:6)
1021 OT VisionAutomaticModeStateMachineType 0:2771
5056 O Initialized 1021 C 0:2307 - number=6259:5
5057 O Ready 1021 C 0:2307 - number=6260:6
5058 O SingleExecution 1021 C 0:2307 - number=6261:7
5059 O ContinuousExecution 1021 C 0:2307 - number=6262:8
5060 O InitializedToReadyRecipe 1021 C 0:2310 - from=5056 to=5057 cause=7015 effect=1018,1022 number=6263:561
5061 O InitializedToReadyAuto 1021 C 0:2310 - from=5056 to=5057 effect=1018 number=6264:560
5062 O ReadyToInitializedRecipe 1021 C 0:2310 - from=5057 to=5056 cause=7055 effect=1018 number=6265:651
5063 O ReadyToInitializedAuto 1021 C 0:2310 - from=5057 to=5056 effect=1018 number=6266:650
5064 O ReadyToSingleExecution 1021 C 0:2310 - from=5057 to=5058 cause=7098 effect=1013,1018 number=6267:671
5065 O ReadyToSingleExecutionAuto 1021 C 0:2310 - from=5057 to=5058 effect=1013,1018 number=6268:670
5066 O ReadyToContinuousExecution 1021 C 0:2310 - from=5057 to=5059 cause=7009 effect=1013,1018 number=6269:681
5067 O ReadyToContinuousExecutionAuto 1021 C 0:2310 - from=5057 to=5059 effect=1013,1018 number=6270:680
5068 O SingleExecutionToReadyStop 1021 C 0:2310 - from=5058 to=5057 cause=7096 effect=1018,1023 number=6271:761
5069 O SingleExecutionToReadyAbort 1021 C 0:2310 - from=5058 to=5057 cause=7097 effect=1018,1023 number=6272:762
5070 O SingleExecutionToReadyAuto 1021 C 0:2310 - from=5058 to=5057 effect=1018,1023 number=6273:760
5071 O ContinuousExecutionToReadyStop 1021 C 0:2310 - from=5059 to=5057 cause=7096 effect=1018,1023 number=6274:861
5072 O ContinuousExecutionToReadyAbort 1021 C 0:2310 - from=5059 to=5057 cause=7097 effect=1018,1023 number=6275:862
5073 O ContinuousExecutionToReadyAuto 1021 C 0:2310 - from=5059 to=5057 effect=1018,1023 number=6276:860
7009 M StartContinuous 1021 C - M in=6086(MeasId=3015,PartId=3004,RecipeId=3002,ProductId=3003,Parameters=0:24:1) out=6087(JobId=3016,Error=0:6)
7096 M Stop 1021 C - M in=6287(Cause=0:6,CauseDescription=0:12) out=6288(Error=0:6)
7097 M Abort 1021 C - M in=6285(Cause=0:6,CauseDescription=0:12) out=6286(Error=0:6)
7098 M StartSingleJob 1021 C - M in=6281(MeasId=3015,PartId=3004,RecipeId=3002,ProductId=3003,Parameters=0:24:1) out=6282(JobId=3016,Error=0:6)
7100 M SimulationMode 1021 C - O in=6289(Activate=0:1,Cause=0:6,CauseDescription=0:12) out=6290(Error=0:6)
1004 OT RecipeManagementType 0:58
5005 O Recipes 1004 C 1008 O
7014 M GetRecipeListFiltered 1004 C - M in=6156(ExternalId=3002,ProductId=3003,IsPrepared=3014,MaxResults=0:7,StartIndex=0:7,Timeout=0:6) out=6157(IsComplete=0:1,ResultCount=0:7,RecipeHandle=3018,RecipeList=3013:1,Error=0:6)
7015 M PrepareRecipe 1004 C - M in=6148(ExternalId=3002,InternalIdIn=3013) out=6149(InternalIdOut=3013,IsCompleted=0:1,Error=0:6)
7055 M UnprepareRecipe 1004 C - M in=6152(ExternalId=3002,InternalIdIn=3013) out=6153(InternalIdOut=3013,Error=0:6)
7056 M ReleaseRecipeHandle 1004 C - O in=6160(RecipeHandle=3018) out=6161(Error=0:6)
1002 OT RecipeType 0:58
6017 V LastModified 1002 P 0:68 M 0:294 access=3
6019 V InternalId 1002 P 0:68 M 3013 access=3
6023 V ExternalId 1002 P 0:68 O 3002 access=3
6605 V IsPrepared 1002 P 0:68 M 0:1 access=3
7064 M Prepare 1002 C - M out=6202(IsCompleted=0:1,Error=0:6)
7065 M Unprepare 1002 C - M out=6205(Error=0:6)
1008 OT RecipeFolderType 0:61
5270 O <Recipe> 1008 C 1002 OP
6608 V ExternalId 5270 P 0:68 O 3002 access=3
6609 V InternalId 5270 P 0:68 M 3013 access=3
6610 V IsPrepared 5270 P 0:68 M 0:1 access=3
6611 V LastModified 5270 P 0:68 M 0:294 access=3
7114 M Prepare 5270 C - M of=7064 out=6615
7121 M Unprepare 5270 C - M of=7065 out=6620
1006 OT ConfigurationManagementType 0:58
5010 O Configurations 1006 C 1011 O
6132 V ActiveConfiguration 1006 C 0:63 M 3007 access=3
7041 M GetConfigurationById 1006 C - M in=6100(InternalId=3008,Timeout=0:6) out=6101(ConfigurationHandle=3018,Configuration=3007,Error=0:6)
7045 M GetConfigurationList 1006 C - M in=6104(MaxResults=0:7,StartIndex=0:7,Timeout=0:6) out=6105(IsComplete=0:1,ResultCount=0:7,ConfigurationHandle=3018,ConfigurationList=3007:1,Error=0:6)
7046 M ReleaseConfigurationHandle 1006 C - O in=6108(ConfigurationHandle=3018) out=6109(Error=0:6)
7048 M ActivateConfiguration 1006 C - M in=6116(InternalId=3008) out=6117(Error=0:6)
1011 OT ConfigurationFolderType 0:61
6120 V <Configuration> 1011 C 0:63 OP 3007 access=3
1007 OT ResultManagementType 0:58
5245 O Results 1007 C 1016 O
7007 M GetResultComponentsById 1007 C - M in=6024(ResultId=3021,Timeout=0:6) out=6025(HasTransferableDataOnFile=0:1,ResultHandle=3018,IsPartial=0:1,IsSimulated=0:1,ResultState=3009,MeasId=3015,PartId=3004,ExternalRecipeId=3002,InternalRecipeId=3013,ProductId=3003,ExternalConfigurationId=3008,InternalConfigurationId=3008,JobId=3016,CreationTime=0:294,ProcessingTimes=3005,ResultContent=0:24:1,Error=0:6)
7026 M GetResultById 1007 C - M in=6209(ResultId=3021,Timeout=0:6) out=6210(ResultHandle=3018,Result=3006,Error=0:6)
7089 M GetResultListFiltered 1007 C - M in=6213(ResultState=3009,MeasId=3015,PartId=3004,ExternalRecipeId=3002,InternalRecipeId=3013,ExternalConfigurationId=3008,InternalConfigurationId=3008,ProductId=3003,JobId=3016,MaxResults=0:7,StartIndex=0:7,Timeout=0:6) out=6214(IsComplete=0:1,ResultCount=0:7,ResultHandle=3018,ResultList=3006:1,Error=0:6)
7090 M ReleaseResultHandle 1007 C - O in=6217(ResultHandle=3018) out=6218(Error=0:6)
1016 OT ResultFolderType 0:61
6168 V <ResultVariable> 1016 C 2002 OP 3006 access=3
6334 V CreationTime 6168 C 0:63 M 0:294 access=3
6335 V InternalConfigurationId 6168 C 0:63 M 3008 access=3
6336 V InternalRecipeId 6168 C 0:63 M 3013 access=3
6356 V IsPartial 6168 C 0:63 M 0:1 access=3
6357 V JobId 6168 C 0:63 M 3016 access=3
6379 V ResultId 6168 C 0:63 M 3021 access=3
6548 V ResultState 6168 C 0:63 M 3009 access=3
1013 OT JobStartedEventType 0:2041
6141 V JobId 1013 P 0:68 M 3016 access=3
1015 OT VisionEventType 0:2041 abstract
6193 V CausePath 1015 P 0:68 O 0:12 access=3
6194 V MeasId 1015 P 0:68 O 3015 access=3
6195 V ExternalRecipeId 1015 P 0:68 O 3002 access=3
6198 V InternalRecipeId 1015 P 0:68 O 3013 access=3
6199 V ProductId 1015 P 0:68 O 3003 access=3
6200 V InternalConfigurationId 1015 P 0:68 O 3008 access=3
6201 V PartId 1015 P 0:68 O 3004 access=3
6203 V JobId 1015 P 0:68 O 3016 access=3
6204 V ResultId 1015 P 0:68 O 3021 access=3
6550 V ExternalConfigurationId 1015 P 0:68 O 3008 access=3
1018 OT StateChangedEventType 0:2311
1019 OT ErrorEventType 0:2311
1020 OT ErrorResolvedEventType 0:2311
1022 OT RecipePreparedEventType 0:2041
6140 V InternalId 1022 P 0:68 M 3013 access=3
6291 V ExternalId 1022 P 0:68 O 3002 access=3
6292 V ProductId 1022 P 0:68 O 3003 access=3
1023 OT ReadyEventType 0:2041
6294 V JobId 1023 P 0:68 M 3016 access=3
1024 OT ResultReadyEventType 0:2041
6045 V ExternalConfigurationId 1024 P 0:68 O 3008 access=3
6142 V InternalConfigurationId 1024 P 0:68 M 3008 access=3
6143 V ProductId 1024 P 0:68 O 3003 access=3
6295 V ResultId 1024 P 0:68 M 3021 access=3
6296 V IsPartial 1024 P 0:68 M 0:1 access=3
6297 V IsSimulated 1024 P 0:68 O 0:1 access=3
6298 V ResultState 1024 P 0:68 M 3009 access=3
6299 V MeasId 1024 P 0:68 O 3015 access=3
6300 V JobId 1024 P 0:68 M 3016 access=3
6301 V ExternalRecipeId 1024 P 0:68 O 3002 access=3
6302 V InternalRecipeId 1024 P 0:68 M 3013 access=3
6303 V CreationTime 1024 P 0:68 M 0:294 access=3
6304 V PartId 1024 P 0:68 O 3004 access=3
6305 V ProcessingTimes 1024 P 0:68 O 3005 access=3
6306 V ResultContent 1024 P 0:68 O 0:24:1 access=3
1025 OT AcquisitionDoneEventType 0:2041
6308 V JobId 1025 P 0:68 M 3016 access=3
1037 OT VisionDiagnosticInfoEventType 1015
1038 OT VisionInformationEventType 1015
1033 OT VisionConditionType 0:2881 abstract
6192 V InternalConfigurationId 1033 P 0:68 O 3008 access=3
6206 V BlockReaction 1033 P 0:68 M 0:1 access=3
6207 V CausePath 1033 P 0:68 O 0:12 access=3
6208 V ErrorCode 1033 P 0:68 O 0:9 access=3
6283 V ErrorString 1033 P 0:68 O 0:12 access=3
6293 V StopReaction 1033 P 0:68 M 0:1 access=3
6307 V PartId 1033 P 0:68 O 3004 access=3
6321 V InternalRecipeId 1033 P 0:68 O 3013 access=3
6323 V ProductId 1033 P 0:68 O 3003 access=3
6343 V JobId 1033 P 0:68 O 3016 access=3
6344 V MeasId 1033 P 0:68 O 3015 access=3
6345 V ResultId 1033 P 0:68 O 3021 access=3
6346 V ExternalRecipeId 1033 P 0:68 O 3002 access=3
6347 V ExternalConfigurationId 1033 P 0:68 O 3008 access=3
1034 OT VisionWarningConditionType 1033
1035 OT VisionErrorConditionType 1033
1036 OT VisionPersistentErrorConditionType 1033
3008 DT ConfigurationIdDataType 3019 binary=5090
3002 DT RecipeIdExternalDataType 3019 binary=5002
3013 DT RecipeIdInternalDataType 3019 binary=5268
3007 DT ConfigurationDataType 0:22 binary=5088 HasTransferableDataOnFile?=0:1 ExternalId?=3008 InternalId=3008 LastModified=0:294
3016 DT JobIdDataType 0:22 binary=5008 Id=3017
3015 DT MeasIdDataType 0:22 binary=5006 Id=3017 Description?=0:21
3004 DT PartIdDataType 0:22 binary=5013 Id=3017 Description?=0:21
3005 DT ProcessingTimesDataType 0:22 binary=5016 StartTime=0:294 EndTime=0:294 AcquisitionDuration?=0:290 ProcessingDuration?=0:290
3003 DT ProductIdDataType 0:22 binary=5224 Id=3017 Description?=0:21
3006 DT ResultDataType 0:22 binary=5018 ResultId=3021 HasTransferableDataOnFile?=0:1 IsPartial=0:1 IsSimulated?=0:1 ResultState=3009 MeasId?=3015 PartId?=3004 ExternalRecipeId?=3002 InternalRecipeId=3013 ProductId?=3003 ExternalConfigurationId?=3008 InternalConfigurationId=3008 JobId=3016 CreationTime=0:294 ProcessingTimes?=3005 ResultContent?=0:24:1
3021 DT ResultIdDataType 0:22 binary=5274 Id=3017
3024 DT SystemStateDescriptionDataType 0:22 binary=5278 State=3023 StateDescription?=3017
3019 DT BinaryIdBaseDataType 0:22 abstract binary=5027 Id=3017 Version?=3017 Hash?=0:15 HashAlgorithm?=0:12 Description?=0:21
3017 DT TrimmedString 0:12
3018 DT Handle 0:7
3009 DT ResultStateDataType 0:6
3014 DT TriStateBooleanDataType 0:29 values=6367 FALSE_0=0 TRUE_1=1 DONTCARE_2=2
3023 DT SystemStateDataType 0:29 values=6032 PRD_1=1 SBY_2=2 ENG_3=3 SDT_4=4 UDT_5=5 NST_6=6
"""
